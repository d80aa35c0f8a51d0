-- What was learnt of values without keeping any, as JSON.

-- What those of a difference have in common, for the rules that are suggested.
ALTER TABLE differences ADD COLUMN forms TEXT;

-- What a route's monolith does to itself, as the last process to write it knew it.
CREATE TABLE noise (
    route   TEXT PRIMARY KEY,
    learned TEXT NOT NULL
);

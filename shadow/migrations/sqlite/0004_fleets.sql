-- Which flush of each process was written last, so that one is never added twice; and what a sample
-- shows and takes, so that the rare ones are kept and all of them are bounded.

CREATE TABLE writers (
    writer TEXT    PRIMARY KEY,
    flush  INTEGER NOT NULL,
    at     INTEGER NOT NULL
);

ALTER TABLE samples ADD COLUMN stratum TEXT    NOT NULL DEFAULT '';
ALTER TABLE samples ADD COLUMN bytes   INTEGER NOT NULL DEFAULT 0;
UPDATE samples SET bytes = LENGTH(request) + LENGTH(path) + LENGTH(control_body) + LENGTH(candidate_body);

CREATE INDEX samples_by_age ON samples (at, bytes);
CREATE INDEX differences_by_age ON differences (last_seen);

-- What is counted of a kind of requests beside what differs: its unknowns, each by its reason, and
-- `matched_by_digest`, the matches of bodies that were too long to be kept.

CREATE TABLE kind_counts (
    route   TEXT    NOT NULL,
    stratum TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    count   INTEGER NOT NULL,
    PRIMARY KEY (route, stratum, name)
);

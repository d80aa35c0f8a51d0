-- Counts, differences and samples. Times are Unix time in milliseconds; counts only grow.

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
);

CREATE TABLE routes (
    route           TEXT PRIMARY KEY,
    matched         INTEGER NOT NULL,
    ignored         INTEGER NOT NULL,
    mismatched      INTEGER NOT NULL,
    critical        INTEGER NOT NULL,
    cosmetic        INTEGER NOT NULL,
    budget_critical REAL    NOT NULL,
    budget_cosmetic REAL    NOT NULL,
    since           INTEGER NOT NULL,
    last_at         INTEGER NOT NULL
);

CREATE TABLE unknowns (
    route  TEXT    NOT NULL,
    reason TEXT    NOT NULL,
    count  INTEGER NOT NULL,
    PRIMARY KEY (route, reason)
);

CREATE TABLE latencies (
    route  TEXT    NOT NULL,
    leg    TEXT    NOT NULL,
    bucket INTEGER NOT NULL,
    count  INTEGER NOT NULL,
    PRIMARY KEY (route, leg, bucket)
);

CREATE TABLE differences (
    id         TEXT PRIMARY KEY,
    route      TEXT    NOT NULL,
    path       TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    class      TEXT    NOT NULL,
    requests   INTEGER NOT NULL,
    excused    INTEGER NOT NULL,
    why        TEXT,
    until      TEXT,
    expired    INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL
);
CREATE INDEX differences_by_route ON differences (route);

CREATE TABLE samples (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    difference       TEXT    NOT NULL,
    at               INTEGER NOT NULL,
    request          TEXT    NOT NULL,
    request_id       TEXT    NOT NULL,
    path             TEXT    NOT NULL,
    omitted          INTEGER NOT NULL,
    control_status   INTEGER NOT NULL,
    control_value    TEXT,
    control_body     TEXT    NOT NULL,
    candidate_status INTEGER NOT NULL,
    candidate_value  TEXT,
    candidate_body   TEXT    NOT NULL
);
CREATE INDEX samples_by_difference ON samples (difference);

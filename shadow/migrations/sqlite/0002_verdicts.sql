-- What a verdict is bound to, kinds of requests, and which requests were seen.
-- `build`, `rules` and `monolith` say what was compared; when one of them changes, the counts move to
-- `epochs` and begin anew. Those of older stores were bound to nothing, so they move at the first write.

ALTER TABLE routes ADD COLUMN confidence REAL    NOT NULL DEFAULT 0.95;
ALTER TABLE routes ADD COLUMN seconds    INTEGER NOT NULL DEFAULT 86400;
ALTER TABLE routes ADD COLUMN build      TEXT    NOT NULL DEFAULT '';
ALTER TABLE routes ADD COLUMN rules      TEXT    NOT NULL DEFAULT '';
ALTER TABLE routes ADD COLUMN monolith   TEXT;
ALTER TABLE routes ADD COLUMN bound_at   INTEGER NOT NULL DEFAULT 0;
ALTER TABLE routes ADD COLUMN reason     TEXT;

-- Counts of requests, and of those among them that are distinct.
CREATE TABLE strata (
    route             TEXT    NOT NULL,
    stratum           TEXT    NOT NULL,
    compared          INTEGER NOT NULL,
    critical          INTEGER NOT NULL,
    cosmetic          INTEGER NOT NULL,
    distinct_compared INTEGER NOT NULL DEFAULT 0,
    distinct_critical INTEGER NOT NULL DEFAULT 0,
    distinct_cosmetic INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (route, stratum)
);

-- Keyed hashes of requests, and whether one of them ever differed.
CREATE TABLE fingerprints (
    route       TEXT    NOT NULL,
    fingerprint INTEGER NOT NULL,
    critical    INTEGER NOT NULL,
    cosmetic    INTEGER NOT NULL,
    PRIMARY KEY (route, fingerprint)
) WITHOUT ROWID;

-- What was counted before a change, for reading; `strata` is a JSON object of distinct requests.
CREATE TABLE epochs (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    route      TEXT    NOT NULL,
    matched    INTEGER NOT NULL,
    ignored    INTEGER NOT NULL,
    mismatched INTEGER NOT NULL,
    critical   INTEGER NOT NULL,
    cosmetic   INTEGER NOT NULL,
    unknown    INTEGER NOT NULL,
    strata     TEXT    NOT NULL,
    build      TEXT    NOT NULL,
    rules      TEXT    NOT NULL,
    monolith   TEXT,
    reason     TEXT,
    since      INTEGER NOT NULL,
    last_at    INTEGER NOT NULL
);
CREATE INDEX epochs_by_route ON epochs (route);

-- What `../sqlite` says of it.

CREATE TABLE samplings (
    route TEXT   NOT NULL PRIMARY KEY,
    level BIGINT NOT NULL,
    kept  BIGINT NOT NULL
);

INSERT INTO samplings SELECT route, 0, COUNT(*) FROM fingerprints GROUP BY route;

ALTER TABLE fingerprints ADD COLUMN compared BIGINT NOT NULL DEFAULT 1;

ALTER TABLE strata ADD COLUMN distinct_seen BIGINT NOT NULL DEFAULT 0;

-- Which requests the unknowns were nobody knows any more: each is taken for another one.
UPDATE strata SET distinct_seen = distinct_compared + COALESCE(
    (SELECT SUM(count) FROM kind_counts
     WHERE kind_counts.route = strata.route AND kind_counts.stratum = strata.stratum
       AND name NOT IN ('matched_by_digest', 'declined')), 0);

-- Which of a route's distinct requests are counted, where there are more than can be remembered: those
-- whose fingerprint begins with `level` bits of 0; `kept` is the number of its fingerprints. What was
-- counted at a lower level stays counted. `distinct_seen` has the requests that could not be compared
-- beside those that were: a fingerprint of one that never was has `compared` 0.

CREATE TABLE samplings (
    route TEXT    NOT NULL PRIMARY KEY,
    level INTEGER NOT NULL,
    kept  INTEGER NOT NULL
);

INSERT INTO samplings SELECT route, 0, COUNT(*) FROM fingerprints GROUP BY route;

ALTER TABLE fingerprints ADD COLUMN compared INTEGER NOT NULL DEFAULT 1;

ALTER TABLE strata ADD COLUMN distinct_seen INTEGER NOT NULL DEFAULT 0;

-- Which requests the unknowns were nobody knows any more: each is taken for another one.
UPDATE strata SET distinct_seen = distinct_compared + COALESCE(
    (SELECT SUM(count) FROM kind_counts
     WHERE kind_counts.route = strata.route AND kind_counts.stratum = strata.stratum
       AND name NOT IN ('matched_by_digest', 'declined')), 0);

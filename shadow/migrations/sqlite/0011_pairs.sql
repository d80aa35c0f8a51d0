-- In how many requests of a route noise excused differences of a class, of how many the monolith was
-- asked twice, and in how many of those only one side differed at a place that is noise: by that is
-- told what noise may hide.

CREATE TABLE pairs (
    route          TEXT    NOT NULL,
    class          TEXT    NOT NULL,
    excused        INTEGER NOT NULL,
    asked_twice    INTEGER NOT NULL,
    candidate_only INTEGER NOT NULL,
    control_only   INTEGER NOT NULL,
    PRIMARY KEY (route, class)
);

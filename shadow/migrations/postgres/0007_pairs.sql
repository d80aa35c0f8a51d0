-- What `../sqlite` says of it.

CREATE TABLE pairs (
    route          TEXT   NOT NULL,
    class          TEXT   NOT NULL,
    excused        BIGINT NOT NULL,
    asked_twice    BIGINT NOT NULL,
    candidate_only BIGINT NOT NULL,
    control_only   BIGINT NOT NULL,
    PRIMARY KEY (route, class)
);

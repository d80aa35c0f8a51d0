-- What `../sqlite` says of it.

CREATE TABLE pairs (
    route          VARCHAR(500) NOT NULL,
    class          VARCHAR(20)  NOT NULL,
    excused        BIGINT NOT NULL,
    asked_twice    BIGINT NOT NULL,
    candidate_only BIGINT NOT NULL,
    control_only   BIGINT NOT NULL,
    PRIMARY KEY (route, class)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What `../sqlite` says of it.

CREATE TABLE holders (
    route  VARCHAR(500) NOT NULL,
    writer VARCHAR(64)  NOT NULL,
    PRIMARY KEY (route, writer)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE intervals (
    route    VARCHAR(500) NOT NULL,
    first_at BIGINT       NOT NULL,
    last_at  BIGINT       NOT NULL,
    sealed   BIGINT       NOT NULL,
    PRIMARY KEY (route, first_at)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A process may have died behind this one.
INSERT IGNORE INTO intervals SELECT route, first_at, last_at, 1 FROM spans;

-- What `../sqlite` says of it. MySQL commits at each statement, so a process that dies here may leave
-- the table and no note of it: what is run again must find it there.

CREATE TABLE IF NOT EXISTS kind_counts (
    route   VARCHAR(500) NOT NULL,
    stratum VARCHAR(128) NOT NULL,
    name    VARCHAR(64)  NOT NULL,
    count   BIGINT       NOT NULL,
    PRIMARY KEY (route, stratum, name)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What `../sqlite` says of it. The stratum is shorter than elsewhere, since InnoDB's keys are bounded:
-- none that is written has more than a hundred letters.

CREATE TABLE kind_counts (
    route   VARCHAR(500) NOT NULL,
    stratum VARCHAR(128) NOT NULL,
    name    VARCHAR(64)  NOT NULL,
    count   BIGINT       NOT NULL,
    PRIMARY KEY (route, stratum, name)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What `../sqlite` says of it.

CREATE TABLE holders (
    route  VARCHAR(500) NOT NULL,
    writer VARCHAR(64)  NOT NULL,
    PRIMARY KEY (route, writer)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

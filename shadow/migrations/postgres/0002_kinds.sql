-- What `../sqlite` says of it.

CREATE TABLE kind_counts (
    route   TEXT   NOT NULL,
    stratum TEXT   NOT NULL,
    name    TEXT   NOT NULL,
    count   BIGINT NOT NULL,
    PRIMARY KEY (route, stratum, name)
);

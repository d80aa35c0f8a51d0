-- What `../sqlite` says of it.

CREATE TABLE holders (
    route  TEXT NOT NULL,
    writer TEXT NOT NULL,
    PRIMARY KEY (route, writer)
);

CREATE TABLE intervals (
    route    TEXT   NOT NULL,
    first_at BIGINT NOT NULL,
    last_at  BIGINT NOT NULL,
    sealed   BIGINT NOT NULL,
    PRIMARY KEY (route, first_at)
);

INSERT INTO intervals SELECT route, first_at, last_at, 1 FROM spans;

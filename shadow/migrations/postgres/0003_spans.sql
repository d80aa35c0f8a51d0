-- What `../sqlite` says of it.

CREATE TABLE spans (
    route    TEXT   NOT NULL PRIMARY KEY,
    first_at BIGINT NOT NULL,
    last_at  BIGINT NOT NULL
);

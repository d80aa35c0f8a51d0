-- What `../sqlite` says of it.

CREATE TABLE holders (
    route  TEXT NOT NULL,
    writer TEXT NOT NULL,
    PRIMARY KEY (route, writer)
);

-- Which processes have counted for what a route's counts are bound to. While one of them writes, an
-- older process changes nothing; when all are gone, it takes over.

CREATE TABLE holders (
    route  TEXT NOT NULL,
    writer TEXT NOT NULL,
    PRIMARY KEY (route, writer)
);

-- Which processes have counted for what a route's counts are bound to. While one of them writes, an
-- older process changes nothing; when all are gone, it takes over.

CREATE TABLE holders (
    route  TEXT NOT NULL,
    writer TEXT NOT NULL,
    PRIMARY KEY (route, writer)
);

-- In which times requests of a route were compared, each at most an hour after the one before, in
-- milliseconds since 1970 by the store's clock. To one that is sealed nothing is joined: the clock
-- was set after it. `spans`, which knew the first and the last request only, stays for processes of
-- the build before, which write to it while this one is rolled out.

CREATE TABLE intervals (
    route    TEXT    NOT NULL,
    first_at INTEGER NOT NULL,
    last_at  INTEGER NOT NULL,
    sealed   INTEGER NOT NULL,
    PRIMARY KEY (route, first_at)
);

INSERT INTO intervals SELECT route, first_at, last_at, 1 FROM spans;

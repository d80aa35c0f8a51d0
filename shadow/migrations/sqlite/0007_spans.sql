-- When requests of a route were compared first and last, in milliseconds since 1970: that it was
-- watched long enough is not shown by those that could not be compared.

CREATE TABLE spans (
    route    TEXT    NOT NULL PRIMARY KEY,
    first_at INTEGER NOT NULL,
    last_at  INTEGER NOT NULL
);

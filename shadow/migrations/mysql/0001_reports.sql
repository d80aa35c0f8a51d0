-- What `../sqlite` says of each column. All integers are of 64 bits, so that one program reads all.
-- Keys have a length, since InnoDB's are bounded; they are told apart by their bytes.

CREATE TABLE settings (
    name  VARCHAR(64)    PRIMARY KEY,
    value VARBINARY(255) NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE writers (
    writer VARCHAR(64) PRIMARY KEY,
    flush  BIGINT      NOT NULL,
    at     BIGINT      NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE routes (
    route           VARCHAR(500) PRIMARY KEY,
    matched         BIGINT       NOT NULL,
    ignored         BIGINT       NOT NULL,
    noise           BIGINT       NOT NULL,
    mismatched      BIGINT       NOT NULL,
    critical        BIGINT       NOT NULL,
    cosmetic        BIGINT       NOT NULL,
    budget_critical DOUBLE       NOT NULL,
    budget_cosmetic DOUBLE       NOT NULL,
    since           BIGINT       NOT NULL,
    last_at         BIGINT       NOT NULL,
    confidence      DOUBLE       NOT NULL,
    seconds         BIGINT       NOT NULL,
    build           MEDIUMTEXT   NOT NULL,
    rules           MEDIUMTEXT   NOT NULL,
    monolith        MEDIUMTEXT,
    bound_at        BIGINT       NOT NULL,
    reason          MEDIUMTEXT
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE unknowns (
    route  VARCHAR(500) NOT NULL,
    reason VARCHAR(64)  NOT NULL,
    count  BIGINT       NOT NULL,
    PRIMARY KEY (route, reason)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE latencies (
    route  VARCHAR(500) NOT NULL,
    leg    VARCHAR(16)  NOT NULL,
    bucket BIGINT       NOT NULL,
    count  BIGINT       NOT NULL,
    PRIMARY KEY (route, leg, bucket)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE strata (
    route             VARCHAR(500) NOT NULL,
    stratum           VARCHAR(255) NOT NULL,
    compared          BIGINT       NOT NULL,
    critical          BIGINT       NOT NULL,
    cosmetic          BIGINT       NOT NULL,
    distinct_compared BIGINT       NOT NULL,
    distinct_critical BIGINT       NOT NULL,
    distinct_cosmetic BIGINT       NOT NULL,
    PRIMARY KEY (route, stratum)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE fingerprints (
    route       VARCHAR(500) NOT NULL,
    fingerprint BIGINT       NOT NULL,
    critical    BIGINT       NOT NULL,
    cosmetic    BIGINT       NOT NULL,
    PRIMARY KEY (route, fingerprint)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE epochs (
    id         BIGINT AUTO_INCREMENT PRIMARY KEY,
    route      VARCHAR(500)          NOT NULL,
    matched    BIGINT                NOT NULL,
    ignored    BIGINT                NOT NULL,
    noise      BIGINT                NOT NULL,
    mismatched BIGINT                NOT NULL,
    critical   BIGINT                NOT NULL,
    cosmetic   BIGINT                NOT NULL,
    unknown    BIGINT                NOT NULL,
    strata     MEDIUMTEXT            NOT NULL,
    build      MEDIUMTEXT            NOT NULL,
    rules      MEDIUMTEXT            NOT NULL,
    monolith   MEDIUMTEXT,
    reason     MEDIUMTEXT,
    since      BIGINT                NOT NULL,
    last_at    BIGINT                NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX epochs_by_route ON epochs (route);

CREATE TABLE differences (
    id         VARCHAR(64)  PRIMARY KEY,
    route      VARCHAR(500) NOT NULL,
    path       MEDIUMTEXT   NOT NULL,
    kind       MEDIUMTEXT   NOT NULL,
    class      MEDIUMTEXT   NOT NULL,
    requests   BIGINT       NOT NULL,
    excused    BIGINT       NOT NULL,
    noise      BIGINT       NOT NULL,
    why        MEDIUMTEXT,
    until      MEDIUMTEXT,
    expired    BIGINT       NOT NULL,
    first_seen BIGINT       NOT NULL,
    last_seen  BIGINT       NOT NULL,
    forms      MEDIUMTEXT
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX differences_by_route ON differences (route);
CREATE INDEX differences_by_age ON differences (last_seen);

CREATE TABLE noise (
    route   VARCHAR(500) PRIMARY KEY,
    learned MEDIUMTEXT   NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE samples (
    id               BIGINT AUTO_INCREMENT PRIMARY KEY,
    difference       VARCHAR(64)           NOT NULL,
    at               BIGINT                NOT NULL,
    stratum          VARCHAR(255)          NOT NULL,
    request          MEDIUMTEXT            NOT NULL,
    request_id       MEDIUMTEXT            NOT NULL,
    path             MEDIUMTEXT            NOT NULL,
    omitted          BIGINT                NOT NULL,
    control_status   BIGINT                NOT NULL,
    control_value    MEDIUMTEXT,
    control_body     MEDIUMTEXT            NOT NULL,
    candidate_status BIGINT                NOT NULL,
    candidate_value  MEDIUMTEXT,
    candidate_body   MEDIUMTEXT            NOT NULL,
    bytes            BIGINT                NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX samples_by_difference ON samples (difference);
CREATE INDEX samples_by_age ON samples (at, bytes);

-- Versions of plugins that are out of service because processes died with them.
CREATE TABLE IF NOT EXISTS quarantine (
    digest TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    since_us BIGINT NOT NULL,
    reason TEXT COLLATE "C" NOT NULL
);

-- Which versions had calls under way when a process died, and whether it was their code that ran.
CREATE TABLE IF NOT EXISTS death_mark (
    death TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    at_us BIGINT NOT NULL,
    server TEXT COLLATE "C" NOT NULL,
    cause TEXT COLLATE "C" NOT NULL,
    running BOOLEAN NOT NULL,
    PRIMARY KEY (death, digest)
);
CREATE INDEX IF NOT EXISTS death_mark_by_time ON death_mark (at_us);

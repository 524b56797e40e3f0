-- Versions of plugins that are out of service because processes died with them.
CREATE TABLE IF NOT EXISTS quarantine (
    digest TEXT NOT NULL PRIMARY KEY,
    since_us INTEGER NOT NULL,
    reason TEXT NOT NULL
) STRICT;

-- Which versions had calls under way when a process died, and whether it was their code that ran.
CREATE TABLE IF NOT EXISTS death_mark (
    death TEXT NOT NULL,
    digest TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    server TEXT NOT NULL,
    cause TEXT NOT NULL,
    running INTEGER NOT NULL,
    PRIMARY KEY (death, digest)
) STRICT;
CREATE INDEX IF NOT EXISTS death_mark_by_time ON death_mark (at_us);

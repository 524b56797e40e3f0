-- Versions of plugins that are out of service because processes died with them.
CREATE TABLE IF NOT EXISTS quarantine (
    digest VARCHAR(128) NOT NULL PRIMARY KEY,
    since_us BIGINT NOT NULL,
    reason LONGTEXT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Which versions had calls under way when a process died, and whether it was their code that ran.
CREATE TABLE IF NOT EXISTS death_mark (
    death VARCHAR(255) NOT NULL,
    digest VARCHAR(128) NOT NULL,
    at_us BIGINT NOT NULL,
    server LONGTEXT NOT NULL,
    cause LONGTEXT NOT NULL,
    running BOOLEAN NOT NULL,
    PRIMARY KEY (death, digest),
    INDEX death_mark_by_time (at_us)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

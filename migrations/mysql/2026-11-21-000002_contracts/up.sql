-- Deployments that break what callers were promised, and were wanted all the same. A table, since a column
-- can't be added twice, and a migration that stopped half-way is run again.
CREATE TABLE IF NOT EXISTS forced_deployment (
    deployment_id VARCHAR(64) NOT NULL PRIMARY KEY,
    FOREIGN KEY (deployment_id) REFERENCES deployment (id)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

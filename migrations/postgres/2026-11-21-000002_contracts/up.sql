-- Deployments that break what callers were promised, and were wanted all the same. A table, since a column
-- can't be added twice, and a migration that stopped half-way is run again.
CREATE TABLE IF NOT EXISTS forced_deployment (
    deployment_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES deployment (id)
);

-- What stands for all keys where many write at the same time: who decides about a key locks its row.
CREATE TABLE IF NOT EXISTS key_lock (
    number BIGINT NOT NULL PRIMARY KEY
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
INSERT IGNORE INTO key_lock (number)
WITH digit AS (
    SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3
    UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7
)
SELECT a.n + 8 * b.n + 64 * c.n + 512 * d.n FROM digit a, digit b, digit c, digit d;

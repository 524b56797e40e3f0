-- What stands for all keys where many write at the same time: who decides about a key locks its row.
CREATE TABLE IF NOT EXISTS key_lock (
    number BIGINT NOT NULL PRIMARY KEY
);
INSERT INTO key_lock (number) SELECT number FROM generate_series(0, 4095) AS number ON CONFLICT DO NOTHING;

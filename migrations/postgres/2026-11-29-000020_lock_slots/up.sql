-- What stands for all keys where many write at the same time: who decides about a key locks its slot.
CREATE TABLE IF NOT EXISTS lock_slot (
    slot BIGINT NOT NULL PRIMARY KEY
);
INSERT INTO lock_slot (slot) SELECT slot FROM generate_series(0, 4095) AS slot ON CONFLICT DO NOTHING;

-- What stands for all keys where many write at the same time. SQLite has one writer: no rows.
CREATE TABLE IF NOT EXISTS lock_slot (
    slot INTEGER NOT NULL PRIMARY KEY
) STRICT;

-- What stands for all keys where many write at the same time. SQLite has one writer: no rows.
CREATE TABLE IF NOT EXISTS key_lock (
    number INTEGER NOT NULL PRIMARY KEY
) STRICT;

-- What one system calls a thing, and what another one does. The numbers are those of entries_json and defaults_json, so
-- that all dictionaries are added up without being read.
CREATE TABLE IF NOT EXISTS dictionary (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    summary TEXT,
    systems_json TEXT NOT NULL,
    defaults_json TEXT NOT NULL,
    entries_json TEXT NOT NULL,
    entries_count INTEGER NOT NULL,
    codes_count INTEGER NOT NULL,
    code_bytes INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL
) STRICT;

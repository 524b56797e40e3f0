-- What one system calls a thing, and what another one does. The numbers are those of entries_json and defaults_json, so
-- that all dictionaries are added up without being read.
CREATE TABLE IF NOT EXISTS dictionary (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    summary TEXT COLLATE "C",
    systems_json TEXT COLLATE "C" NOT NULL,
    defaults_json TEXT COLLATE "C" NOT NULL,
    entries_json TEXT COLLATE "C" NOT NULL,
    entries_count BIGINT NOT NULL,
    codes_count BIGINT NOT NULL,
    code_bytes BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL
);

-- What one system calls a thing, and what another one does. The numbers are those of entries_json and defaults_json, so
-- that all dictionaries are added up without being read.
CREATE TABLE IF NOT EXISTS dictionary (
    id VARCHAR(64) NOT NULL PRIMARY KEY,
    name VARCHAR(255) NOT NULL UNIQUE,
    summary LONGTEXT,
    systems_json LONGTEXT NOT NULL,
    defaults_json LONGTEXT NOT NULL,
    entries_json LONGTEXT NOT NULL,
    entries_count BIGINT NOT NULL,
    codes_count BIGINT NOT NULL,
    code_bytes BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

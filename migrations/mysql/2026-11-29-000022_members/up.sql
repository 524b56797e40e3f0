-- One row: whose certificates members of the cluster trust. roll says which authority that is, or between which two the
-- cluster is changing.
CREATE TABLE IF NOT EXISTS trust (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    cluster_name VARCHAR(64) NOT NULL,
    roll LONGTEXT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Who signs them: one, and during a roll two. The key is sealed with the master key that key_id names.
CREATE TABLE IF NOT EXISTS authority (
    fingerprint VARCHAR(64) NOT NULL PRIMARY KEY,
    certificate LONGTEXT NOT NULL,
    key_id LONGTEXT NOT NULL,
    key_json LONGTEXT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- By which a machine becomes a member, once. digest is that of its secret; used_by that of the key which came with it.
CREATE TABLE IF NOT EXISTS join_token (
    id VARCHAR(64) NOT NULL PRIMARY KEY,
    role VARCHAR(64) NOT NULL,
    name VARCHAR(64),
    digest VARCHAR(64) NOT NULL,
    expires_us BIGINT NOT NULL,
    used_by VARCHAR(64)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Who has a certificate, or the one that it was renewed with (previous_sha256), and what it said last of the authorities that it trusts (trusts_json) and that signed for it.
CREATE TABLE IF NOT EXISTS member (
    role VARCHAR(64) NOT NULL,
    name VARCHAR(64) NOT NULL,
    certificate_sha256 VARCHAR(64) NOT NULL,
    previous_sha256 VARCHAR(64),
    expires_us BIGINT NOT NULL,
    joined_us BIGINT NOT NULL,
    seen_us BIGINT NOT NULL,
    trusts_json LONGTEXT,
    issuer VARCHAR(64),
    PRIMARY KEY (role, name)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

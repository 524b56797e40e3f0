-- One row: whose certificates members of the cluster trust. roll says which authority that is, or between which two the
-- cluster is changing.
CREATE TABLE IF NOT EXISTS trust (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    cluster_name TEXT COLLATE "C" NOT NULL,
    roll TEXT COLLATE "C" NOT NULL
);

-- Who signs them: one, and during a roll two. The key is sealed with the master key that key_id names.
CREATE TABLE IF NOT EXISTS authority (
    fingerprint TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    certificate TEXT COLLATE "C" NOT NULL,
    key_id TEXT COLLATE "C" NOT NULL,
    key_json TEXT COLLATE "C" NOT NULL
);

-- By which a machine becomes a member, once. digest is that of its secret; used_by that of the key which came with it.
CREATE TABLE IF NOT EXISTS join_token (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    role TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C",
    digest TEXT COLLATE "C" NOT NULL,
    expires_us BIGINT NOT NULL,
    used_by TEXT COLLATE "C"
);

-- Who has a certificate, or the one that it was renewed with (previous_sha256), and what it said last of the authorities that it trusts (trusts_json) and that signed for it.
CREATE TABLE IF NOT EXISTS member (
    role TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    certificate_sha256 TEXT COLLATE "C" NOT NULL,
    previous_sha256 TEXT COLLATE "C",
    expires_us BIGINT NOT NULL,
    joined_us BIGINT NOT NULL,
    seen_us BIGINT NOT NULL,
    trusts_json TEXT COLLATE "C",
    issuer TEXT COLLATE "C",
    PRIMARY KEY (role, name)
);

-- One row: whose certificates members of the cluster trust. roll says which authority that is, or between which two the
-- cluster is changing.
CREATE TABLE IF NOT EXISTS trust (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    cluster_name TEXT NOT NULL,
    roll TEXT NOT NULL
) STRICT;

-- Who signs them: one, and during a roll two. The key is sealed with the master key that key_id names.
CREATE TABLE IF NOT EXISTS authority (
    fingerprint TEXT NOT NULL PRIMARY KEY,
    certificate TEXT NOT NULL,
    key_id TEXT NOT NULL,
    key_json TEXT NOT NULL
) STRICT;

-- By which a machine becomes a member, once. digest is that of its secret; used_by that of the key which came with it.
CREATE TABLE IF NOT EXISTS join_token (
    id TEXT NOT NULL PRIMARY KEY,
    role TEXT NOT NULL,
    name TEXT,
    digest TEXT NOT NULL,
    expires_us INTEGER NOT NULL,
    used_by TEXT
) STRICT;

-- Who has a certificate, or the one that it was renewed with (previous_sha256), and what it said last of the authorities that it trusts (trusts_json) and that signed for it.
CREATE TABLE IF NOT EXISTS member (
    role TEXT NOT NULL,
    name TEXT NOT NULL,
    certificate_sha256 TEXT NOT NULL,
    previous_sha256 TEXT,
    expires_us INTEGER NOT NULL,
    joined_us INTEGER NOT NULL,
    seen_us INTEGER NOT NULL,
    trusts_json TEXT,
    issuer TEXT,
    PRIMARY KEY (role, name)
) STRICT;

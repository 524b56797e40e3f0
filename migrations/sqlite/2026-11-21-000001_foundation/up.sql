-- Keys are UUIDv7 text made by the bus, times are microseconds of UTC, JSON is text.

-- One row. change_head numbers definition changes, deployment_head orders deployments.
CREATE TABLE IF NOT EXISTS meta (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    incarnation TEXT NOT NULL,
    change_head INTEGER NOT NULL,
    deployment_head INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS change_log (
    number INTEGER NOT NULL PRIMARY KEY,
    object_kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    object_name TEXT NOT NULL
) STRICT;

-- Never holds a secret or the hash of one.
CREATE TABLE IF NOT EXISTS audit_entry (
    number INTEGER NOT NULL PRIMARY KEY REFERENCES change_log (number),
    at_us INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object_kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    object_name TEXT NOT NULL,
    before_json TEXT,
    after_json TEXT,
    correlation_id TEXT
) STRICT;

CREATE TABLE IF NOT EXISTS artifact (
    digest TEXT NOT NULL PRIMARY KEY,
    size_bytes INTEGER NOT NULL,
    created_us INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS artifact_chunk (
    digest TEXT NOT NULL REFERENCES artifact (digest),
    ordinal INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (digest, ordinal)
) STRICT;

-- Outlives its artifact as history, so digest is no foreign key. ordinal is the order of creation,
-- activation the order of going live within a plugin, restores the deployment a rollback goes back to.
CREATE TABLE IF NOT EXISTS deployment (
    id TEXT NOT NULL PRIMARY KEY,
    ordinal INTEGER NOT NULL UNIQUE,
    plugin TEXT NOT NULL,
    digest TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    source TEXT NOT NULL,
    actor TEXT NOT NULL,
    description_json TEXT,
    created_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL,
    activation INTEGER,
    activated_us INTEGER,
    restores TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS deployment_by_plugin ON deployment (plugin, activation);
CREATE INDEX IF NOT EXISTS deployment_by_digest ON deployment (digest);
CREATE INDEX IF NOT EXISTS deployment_by_state ON deployment (state, ordinal);

-- server is its name.
CREATE TABLE IF NOT EXISTS deployment_server (
    deployment_id TEXT NOT NULL REFERENCES deployment (id),
    server TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    updated_us INTEGER NOT NULL,
    PRIMARY KEY (deployment_id, server)
) STRICT;

CREATE TABLE IF NOT EXISTS plugin (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    active_deployment TEXT REFERENCES deployment (id),
    grants_json TEXT,
    config_json TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS service (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    plugin_id TEXT NOT NULL REFERENCES plugin (id),
    limits_json TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS service_by_plugin ON service (plugin_id);

-- identifier is a user name or the public part of a key, verifier what a secret is checked against.
CREATE TABLE IF NOT EXISTS security (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    identifier TEXT NOT NULL,
    verifier TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL
) STRICT;

-- service is a name: it need not be deployed.
CREATE TABLE IF NOT EXISTS channel (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    protocol TEXT NOT NULL,
    path TEXT NOT NULL,
    methods_json TEXT NOT NULL,
    service TEXT NOT NULL,
    security_id TEXT REFERENCES security (id),
    active INTEGER NOT NULL,
    body_bytes_max INTEGER NOT NULL,
    timeout_ms INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS channel_by_security ON channel (security_id);

CREATE TABLE IF NOT EXISTS server (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    engine TEXT NOT NULL,
    started_us INTEGER NOT NULL,
    heartbeat_us INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS server_worker (
    server_id TEXT NOT NULL REFERENCES server (id),
    slot INTEGER NOT NULL,
    pid INTEGER NOT NULL,
    state TEXT NOT NULL,
    catalog_version INTEGER NOT NULL,
    plugins_json TEXT NOT NULL,
    started_us INTEGER NOT NULL,
    PRIMARY KEY (server_id, slot)
) STRICT;

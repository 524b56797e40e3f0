-- Keys are UUIDv7 text made by the bus, times are microseconds of UTC, JSON is text.

-- One row. change_head numbers definition changes, deployment_head orders deployments.
CREATE TABLE IF NOT EXISTS meta (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    incarnation TEXT COLLATE "C" NOT NULL,
    change_head BIGINT NOT NULL,
    deployment_head BIGINT NOT NULL
);

CREATE TABLE IF NOT EXISTS change_log (
    number BIGINT NOT NULL PRIMARY KEY,
    object_kind TEXT COLLATE "C" NOT NULL,
    object_id TEXT COLLATE "C" NOT NULL,
    object_name TEXT COLLATE "C" NOT NULL
);

-- Never holds a secret or the hash of one.
CREATE TABLE IF NOT EXISTS audit_entry (
    number BIGINT NOT NULL PRIMARY KEY REFERENCES change_log (number),
    at_us BIGINT NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    object_kind TEXT COLLATE "C" NOT NULL,
    object_id TEXT COLLATE "C" NOT NULL,
    object_name TEXT COLLATE "C" NOT NULL,
    before_json TEXT COLLATE "C",
    after_json TEXT COLLATE "C",
    correlation_id TEXT COLLATE "C"
);

CREATE TABLE IF NOT EXISTS artifact (
    digest TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    size_bytes BIGINT NOT NULL,
    created_us BIGINT NOT NULL
);

CREATE TABLE IF NOT EXISTS artifact_chunk (
    digest TEXT COLLATE "C" NOT NULL REFERENCES artifact (digest),
    ordinal BIGINT NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (digest, ordinal)
);

-- Outlives its artifact as history, so digest is no foreign key. ordinal is the order of creation,
-- activation the order of going live within a plugin, restores the deployment a rollback goes back to.
CREATE TABLE IF NOT EXISTS deployment (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    ordinal BIGINT NOT NULL UNIQUE,
    plugin TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C",
    source TEXT COLLATE "C" NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    description_json TEXT COLLATE "C",
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    activation BIGINT,
    activated_us BIGINT,
    restores TEXT COLLATE "C"
);
CREATE INDEX IF NOT EXISTS deployment_by_plugin ON deployment (plugin, activation);
CREATE INDEX IF NOT EXISTS deployment_by_digest ON deployment (digest);
CREATE INDEX IF NOT EXISTS deployment_by_state ON deployment (state, ordinal);

-- server is its name.
CREATE TABLE IF NOT EXISTS deployment_server (
    deployment_id TEXT COLLATE "C" NOT NULL REFERENCES deployment (id),
    server TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C",
    updated_us BIGINT NOT NULL,
    PRIMARY KEY (deployment_id, server)
);

CREATE TABLE IF NOT EXISTS plugin (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    active_deployment TEXT COLLATE "C" REFERENCES deployment (id),
    grants_json TEXT COLLATE "C",
    config_json TEXT COLLATE "C" NOT NULL,
    revision BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL
);

CREATE TABLE IF NOT EXISTS service (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    plugin_id TEXT COLLATE "C" NOT NULL REFERENCES plugin (id),
    limits_json TEXT COLLATE "C" NOT NULL,
    revision BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS service_by_plugin ON service (plugin_id);

-- identifier is a user name or the public part of a key, verifier what a secret is checked against.
CREATE TABLE IF NOT EXISTS security (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    kind TEXT COLLATE "C" NOT NULL,
    identifier TEXT COLLATE "C" NOT NULL,
    verifier TEXT COLLATE "C" NOT NULL,
    revision BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL
);

-- service is a name: it need not be deployed.
CREATE TABLE IF NOT EXISTS channel (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    protocol TEXT COLLATE "C" NOT NULL,
    path TEXT COLLATE "C" NOT NULL,
    methods_json TEXT COLLATE "C" NOT NULL,
    service TEXT COLLATE "C" NOT NULL,
    security_id TEXT COLLATE "C" REFERENCES security (id),
    active BOOLEAN NOT NULL,
    body_bytes_max BIGINT NOT NULL,
    timeout_ms BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS channel_by_security ON channel (security_id);

CREATE TABLE IF NOT EXISTS server (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    engine TEXT COLLATE "C" NOT NULL,
    started_us BIGINT NOT NULL,
    heartbeat_us BIGINT NOT NULL
);

CREATE TABLE IF NOT EXISTS server_worker (
    server_id TEXT COLLATE "C" NOT NULL REFERENCES server (id),
    slot BIGINT NOT NULL,
    pid BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    catalog_version BIGINT NOT NULL,
    plugins_json TEXT COLLATE "C" NOT NULL,
    started_us BIGINT NOT NULL,
    PRIMARY KEY (server_id, slot)
);

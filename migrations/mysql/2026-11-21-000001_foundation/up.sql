-- Keys are UUIDv7 text made by the bus, times are microseconds of UTC, JSON is text.

-- One row. change_head numbers definition changes, deployment_head orders deployments.
CREATE TABLE IF NOT EXISTS meta (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    incarnation LONGTEXT NOT NULL,
    change_head BIGINT NOT NULL,
    deployment_head BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS change_log (
    number BIGINT NOT NULL PRIMARY KEY,
    object_kind LONGTEXT NOT NULL,
    object_id LONGTEXT NOT NULL,
    object_name LONGTEXT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Never holds a secret or the hash of one.
CREATE TABLE IF NOT EXISTS audit_entry (
    number BIGINT NOT NULL PRIMARY KEY,
    at_us BIGINT NOT NULL,
    actor LONGTEXT NOT NULL,
    action LONGTEXT NOT NULL,
    object_kind LONGTEXT NOT NULL,
    object_id LONGTEXT NOT NULL,
    object_name LONGTEXT NOT NULL,
    before_json LONGTEXT,
    after_json LONGTEXT,
    correlation_id LONGTEXT,
    FOREIGN KEY (number) REFERENCES change_log (number)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS artifact (
    digest VARCHAR(128) NOT NULL PRIMARY KEY,
    size_bytes BIGINT NOT NULL,
    created_us BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS artifact_chunk (
    digest VARCHAR(128) NOT NULL,
    ordinal BIGINT NOT NULL,
    bytes LONGBLOB NOT NULL,
    PRIMARY KEY (digest, ordinal),
    FOREIGN KEY (digest) REFERENCES artifact (digest)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Outlives its artifact as history, so digest is no foreign key. ordinal is the order of creation,
-- activation the order of going live within a plugin, restores the deployment a rollback goes back to.
CREATE TABLE IF NOT EXISTS deployment (
    id VARCHAR(64) NOT NULL PRIMARY KEY,
    ordinal BIGINT NOT NULL UNIQUE,
    plugin VARCHAR(255) NOT NULL,
    digest VARCHAR(128) NOT NULL,
    state VARCHAR(32) NOT NULL,
    reason LONGTEXT,
    source LONGTEXT NOT NULL,
    actor LONGTEXT NOT NULL,
    description_json LONGTEXT,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    activation BIGINT,
    activated_us BIGINT,
    restores LONGTEXT,
    INDEX deployment_by_plugin (plugin, activation),
    INDEX deployment_by_digest (digest),
    INDEX deployment_by_state (state, ordinal)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- server is its name.
CREATE TABLE IF NOT EXISTS deployment_server (
    deployment_id VARCHAR(64) NOT NULL,
    server VARCHAR(255) NOT NULL,
    state LONGTEXT NOT NULL,
    reason LONGTEXT,
    updated_us BIGINT NOT NULL,
    PRIMARY KEY (deployment_id, server),
    FOREIGN KEY (deployment_id) REFERENCES deployment (id)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS plugin (
    id VARCHAR(64) NOT NULL PRIMARY KEY,
    name VARCHAR(255) NOT NULL UNIQUE,
    active_deployment VARCHAR(64),
    grants_json LONGTEXT,
    config_json LONGTEXT NOT NULL,
    revision BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    FOREIGN KEY (active_deployment) REFERENCES deployment (id)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS service (
    id VARCHAR(64) NOT NULL PRIMARY KEY,
    name VARCHAR(255) NOT NULL UNIQUE,
    plugin_id VARCHAR(64) NOT NULL,
    limits_json LONGTEXT NOT NULL,
    revision BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    FOREIGN KEY (plugin_id) REFERENCES plugin (id),
    INDEX service_by_plugin (plugin_id)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- identifier is a user name or the public part of a key, verifier what a secret is checked against.
CREATE TABLE IF NOT EXISTS security (
    id VARCHAR(64) NOT NULL PRIMARY KEY,
    name VARCHAR(255) NOT NULL UNIQUE,
    kind LONGTEXT NOT NULL,
    identifier LONGTEXT NOT NULL,
    verifier LONGTEXT NOT NULL,
    revision BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- service is a name: it need not be deployed.
CREATE TABLE IF NOT EXISTS channel (
    id VARCHAR(64) NOT NULL PRIMARY KEY,
    name VARCHAR(255) NOT NULL UNIQUE,
    protocol LONGTEXT NOT NULL,
    path LONGTEXT NOT NULL,
    methods_json LONGTEXT NOT NULL,
    service LONGTEXT NOT NULL,
    security_id VARCHAR(64),
    active BOOLEAN NOT NULL,
    body_bytes_max BIGINT NOT NULL,
    timeout_ms BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    FOREIGN KEY (security_id) REFERENCES security (id),
    INDEX channel_by_security (security_id)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS server (
    id VARCHAR(64) NOT NULL PRIMARY KEY,
    name LONGTEXT NOT NULL,
    version LONGTEXT NOT NULL,
    engine LONGTEXT NOT NULL,
    started_us BIGINT NOT NULL,
    heartbeat_us BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS server_worker (
    server_id VARCHAR(64) NOT NULL,
    slot BIGINT NOT NULL,
    pid BIGINT NOT NULL,
    state LONGTEXT NOT NULL,
    catalog_version BIGINT NOT NULL,
    plugins_json LONGTEXT NOT NULL,
    started_us BIGINT NOT NULL,
    PRIMARY KEY (server_id, slot),
    FOREIGN KEY (server_id) REFERENCES server (id)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What services keep, and what the bus has promised to deliver.

-- Keys are compared by their bytes.
CREATE TABLE IF NOT EXISTS kv_entry (
    plugin VARCHAR(255) NOT NULL,
    `key` VARBINARY(1024) NOT NULL,
    value LONGBLOB NOT NULL,
    version BIGINT NOT NULL,
    expires_us BIGINT,
    PRIMARY KEY (plugin, `key`),
    INDEX kv_entry_by_expiry (expires_us)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- next_us is when something is to be done for it: an attempt, or to look after a claim that expired;
-- NULL at its end, and as late as can be while an earlier one of the same target and order key is under
-- way. claim tells one claim from another, owner is the worker that has it.
CREATE TABLE IF NOT EXISTS delivery (
    id VARCHAR(64) NOT NULL PRIMARY KEY,
    target VARBINARY(2048) NOT NULL,
    source LONGTEXT,
    content_type LONGTEXT,
    order_key VARBINARY(512),
    payload_bytes BIGINT NOT NULL,
    attempts_max BIGINT NOT NULL,
    backoff_ms BIGINT NOT NULL,
    backoff_max_ms BIGINT NOT NULL,
    state VARCHAR(32) NOT NULL,
    attempts BIGINT NOT NULL,
    due_us BIGINT NOT NULL,
    next_us BIGINT,
    expires_us BIGINT NOT NULL,
    claim LONGTEXT,
    owner VARCHAR(255),
    correlation_id LONGTEXT NOT NULL,
    failures_json LONGTEXT NOT NULL,
    revision BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    INDEX delivery_by_next (next_us),
    INDEX delivery_by_order (target, order_key, id),
    INDEX delivery_by_owner (owner),
    INDEX delivery_by_end (updated_us)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Apart, so that a delivery's progress does not rewrite what it carries.
CREATE TABLE IF NOT EXISTS delivery_payload (
    delivery_id VARCHAR(64) NOT NULL PRIMARY KEY,
    bytes LONGBLOB NOT NULL,
    FOREIGN KEY (delivery_id) REFERENCES delivery (id)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Replies by the caller's Idempotency-Key; scope is the channel and the caller.
CREATE TABLE IF NOT EXISTS idempotent_reply (
    scope VARBINARY(1536) NOT NULL,
    `key` VARBINARY(1024) NOT NULL,
    request_hash LONGTEXT NOT NULL,
    status INTEGER NOT NULL,
    headers_json LONGTEXT NOT NULL,
    body LONGBLOB NOT NULL,
    expires_us BIGINT NOT NULL,
    PRIMARY KEY (scope, `key`),
    INDEX idempotent_reply_by_expiry (expires_us)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What services keep, and what the bus has promised to deliver.

-- Keys are compared by their bytes.
CREATE TABLE IF NOT EXISTS kv_entry (
    plugin TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    value BYTEA NOT NULL,
    version BIGINT NOT NULL,
    expires_us BIGINT,
    PRIMARY KEY (plugin, key)
);
CREATE INDEX IF NOT EXISTS kv_entry_by_expiry ON kv_entry (expires_us) WHERE expires_us IS NOT NULL;

-- next_us is when something is to be done for it: an attempt, or to look after a claim that expired;
-- NULL at its end, and as late as can be while an earlier one of the same target and order key is under
-- way. claim tells one claim from another, owner is the worker that has it.
CREATE TABLE IF NOT EXISTS delivery (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    target TEXT COLLATE "C" NOT NULL,
    source TEXT COLLATE "C",
    content_type TEXT COLLATE "C",
    order_key TEXT COLLATE "C",
    payload_bytes BIGINT NOT NULL,
    attempts_max BIGINT NOT NULL,
    backoff_ms BIGINT NOT NULL,
    backoff_max_ms BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    attempts BIGINT NOT NULL,
    due_us BIGINT NOT NULL,
    next_us BIGINT,
    expires_us BIGINT NOT NULL,
    claim TEXT COLLATE "C",
    owner TEXT COLLATE "C",
    correlation_id TEXT COLLATE "C" NOT NULL,
    failures_json TEXT COLLATE "C" NOT NULL,
    revision BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS delivery_by_next ON delivery (next_us) WHERE next_us IS NOT NULL;
CREATE INDEX IF NOT EXISTS delivery_by_order ON delivery (target, order_key, id)
    WHERE order_key IS NOT NULL AND next_us IS NOT NULL;
CREATE INDEX IF NOT EXISTS delivery_by_owner ON delivery (owner) WHERE owner IS NOT NULL;
CREATE INDEX IF NOT EXISTS delivery_by_end ON delivery (updated_us) WHERE next_us IS NULL;

-- Apart, so that a delivery's progress does not rewrite what it carries.
CREATE TABLE IF NOT EXISTS delivery_payload (
    delivery_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES delivery (id),
    bytes BYTEA NOT NULL
);

-- Replies by the caller's Idempotency-Key; scope is the channel and the caller.
CREATE TABLE IF NOT EXISTS idempotent_reply (
    scope TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    request_hash TEXT COLLATE "C" NOT NULL,
    status INTEGER NOT NULL,
    headers_json TEXT COLLATE "C" NOT NULL,
    body BYTEA NOT NULL,
    expires_us BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX IF NOT EXISTS idempotent_reply_by_expiry ON idempotent_reply (expires_us);

-- What services keep, and what the bus has promised to deliver.

-- Keys are compared by their bytes.
CREATE TABLE IF NOT EXISTS kv_entry (
    plugin TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    version INTEGER NOT NULL,
    expires_us INTEGER,
    PRIMARY KEY (plugin, key)
) STRICT;
CREATE INDEX IF NOT EXISTS kv_entry_by_expiry ON kv_entry (expires_us) WHERE expires_us IS NOT NULL;

-- next_us is when something is to be done for it: an attempt, or to look after a claim that expired;
-- NULL at its end, and as late as can be while an earlier one of the same target and order key is under
-- way. claim tells one claim from another, owner is the worker that has it.
CREATE TABLE IF NOT EXISTS delivery (
    id TEXT NOT NULL PRIMARY KEY,
    target TEXT NOT NULL,
    source TEXT,
    content_type TEXT,
    order_key TEXT,
    payload_bytes INTEGER NOT NULL,
    attempts_max INTEGER NOT NULL,
    backoff_ms INTEGER NOT NULL,
    backoff_max_ms INTEGER NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_us INTEGER NOT NULL,
    next_us INTEGER,
    expires_us INTEGER NOT NULL,
    claim TEXT,
    owner TEXT,
    correlation_id TEXT NOT NULL,
    failures_json TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS delivery_by_next ON delivery (next_us) WHERE next_us IS NOT NULL;
CREATE INDEX IF NOT EXISTS delivery_by_order ON delivery (target, order_key, id)
    WHERE order_key IS NOT NULL AND next_us IS NOT NULL;
CREATE INDEX IF NOT EXISTS delivery_by_owner ON delivery (owner) WHERE owner IS NOT NULL;
CREATE INDEX IF NOT EXISTS delivery_by_end ON delivery (updated_us) WHERE next_us IS NULL;

-- Apart, so that a delivery's progress does not rewrite what it carries.
CREATE TABLE IF NOT EXISTS delivery_payload (
    delivery_id TEXT NOT NULL PRIMARY KEY REFERENCES delivery (id),
    bytes BLOB NOT NULL
) STRICT;

-- Replies by the caller's Idempotency-Key; scope is the channel and the caller.
CREATE TABLE IF NOT EXISTS idempotent_reply (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    status INTEGER NOT NULL,
    headers_json TEXT NOT NULL,
    body BLOB NOT NULL,
    expires_us INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX IF NOT EXISTS idempotent_reply_by_expiry ON idempotent_reply (expires_us);

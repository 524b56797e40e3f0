-- Requests of the admin API that came with an Idempotency-Key. claim tells one attempt at a request from
-- another. state: begun (nothing has happened), applied (its change is committed, its reply is not kept
-- yet) or answered. The hash is keyed, and a reply that shows a secret is kept without it.
CREATE TABLE IF NOT EXISTS admin_idempotency (
    actor TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    claim TEXT NOT NULL,
    state TEXT NOT NULL,
    claimed_us INTEGER NOT NULL,
    expires_us INTEGER NOT NULL,
    status INTEGER,
    headers_json TEXT,
    body BLOB,
    PRIMARY KEY (actor, idempotency_key)
) STRICT;
CREATE INDEX IF NOT EXISTS admin_idempotency_by_expiry ON admin_idempotency (expires_us);

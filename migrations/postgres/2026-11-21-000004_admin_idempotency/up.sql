-- Requests of the admin API that came with an Idempotency-Key. claim tells one attempt at a request from
-- another. state: begun (nothing has happened), applied (its change is committed, its reply is not kept
-- yet) or answered. The hash is keyed, and a reply that shows a secret is kept without it.
CREATE TABLE IF NOT EXISTS admin_idempotency (
    actor TEXT COLLATE "C" NOT NULL,
    idempotency_key TEXT COLLATE "C" NOT NULL,
    request_hash TEXT COLLATE "C" NOT NULL,
    claim TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    claimed_us BIGINT NOT NULL,
    expires_us BIGINT NOT NULL,
    status INTEGER,
    headers_json TEXT COLLATE "C",
    body BYTEA,
    PRIMARY KEY (actor, idempotency_key)
);
CREATE INDEX IF NOT EXISTS admin_idempotency_by_expiry ON admin_idempotency (expires_us);

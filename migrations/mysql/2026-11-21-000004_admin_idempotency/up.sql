-- Requests of the admin API that came with an Idempotency-Key. claim tells one attempt at a request from
-- another. state: begun (nothing has happened), applied (its change is committed, its reply is not kept
-- yet) or answered. The hash is keyed, and a reply that shows a secret is kept without it.
CREATE TABLE IF NOT EXISTS admin_idempotency (
    actor VARBINARY(1536) NOT NULL,
    idempotency_key VARBINARY(1024) NOT NULL,
    request_hash LONGTEXT NOT NULL,
    claim LONGTEXT NOT NULL,
    state LONGTEXT NOT NULL,
    claimed_us BIGINT NOT NULL,
    expires_us BIGINT NOT NULL,
    status INTEGER,
    headers_json LONGTEXT,
    body LONGBLOB,
    PRIMARY KEY (actor, idempotency_key),
    INDEX admin_idempotency_by_expiry (expires_us)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

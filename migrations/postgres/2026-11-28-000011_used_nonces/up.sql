-- Nonces of messages that were received, as their SHA-256; security is the id of the definition that guards
-- the channel. After expires_us such a message is too old anyway.
CREATE TABLE IF NOT EXISTS used_nonce (
    security TEXT COLLATE "C" NOT NULL,
    nonce TEXT COLLATE "C" NOT NULL,
    expires_us BIGINT NOT NULL,
    PRIMARY KEY (security, nonce)
);
CREATE INDEX IF NOT EXISTS used_nonce_by_expiry ON used_nonce (expires_us);

-- Nonces of messages that were received, as their SHA-256; security is the id of the definition that guards
-- the channel. After expires_us such a message is too old anyway.
CREATE TABLE IF NOT EXISTS used_nonce (
    security TEXT NOT NULL,
    nonce TEXT NOT NULL,
    expires_us INTEGER NOT NULL,
    PRIMARY KEY (security, nonce)
) STRICT;
CREATE INDEX IF NOT EXISTS used_nonce_by_expiry ON used_nonce (expires_us);

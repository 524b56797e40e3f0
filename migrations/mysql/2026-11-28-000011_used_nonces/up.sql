-- Nonces of messages that were received, as their SHA-256; security is the id of the definition that guards
-- the channel. After expires_us such a message is too old anyway.
CREATE TABLE IF NOT EXISTS used_nonce (
    security VARCHAR(64) NOT NULL,
    nonce VARCHAR(128) NOT NULL,
    expires_us BIGINT NOT NULL,
    PRIMARY KEY (security, nonce),
    INDEX used_nonce_by_expiry (expires_us)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

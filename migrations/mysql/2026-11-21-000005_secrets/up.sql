-- A value is sealed with the master key that key_id names, for the row with this id and name.
CREATE TABLE IF NOT EXISTS secret (
    id VARCHAR(64) NOT NULL PRIMARY KEY,
    name VARCHAR(255) NOT NULL UNIQUE,
    description LONGTEXT,
    ciphertext LONGBLOB NOT NULL,
    nonce LONGBLOB NOT NULL,
    key_id LONGTEXT NOT NULL,
    revision BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

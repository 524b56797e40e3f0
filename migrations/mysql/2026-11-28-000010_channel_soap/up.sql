-- What only SOAP channels have.
CREATE TABLE IF NOT EXISTS channel_soap (
    channel_id VARCHAR(64) NOT NULL PRIMARY KEY,
    soap_json LONGTEXT NOT NULL,
    FOREIGN KEY (channel_id) REFERENCES channel (id) ON DELETE CASCADE
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A table of its own, not a column: adding a column can't be run twice, and who does not know it leaves it alone.
CREATE TABLE IF NOT EXISTS channel_cors (
    channel_id VARCHAR(64) NOT NULL PRIMARY KEY,
    cors_json LONGTEXT NOT NULL,
    FOREIGN KEY (channel_id) REFERENCES channel (id) ON DELETE CASCADE
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

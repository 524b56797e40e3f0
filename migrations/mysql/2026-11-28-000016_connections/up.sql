-- Ways out. client_json holds what a client is made with; its secrets are sealed with the master key for the row
-- with this id.
CREATE TABLE IF NOT EXISTS connection (
    id VARCHAR(64) NOT NULL PRIMARY KEY,
    name VARCHAR(255) NOT NULL UNIQUE,
    kind LONGTEXT NOT NULL,
    active BOOLEAN NOT NULL,
    client_json LONGTEXT NOT NULL,
    revision BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What only AMQP channels have; the path of such a channel is empty.
CREATE TABLE IF NOT EXISTS channel_amqp (
    channel_id VARCHAR(64) NOT NULL PRIMARY KEY,
    connection_id VARCHAR(64) NOT NULL,
    amqp_json LONGTEXT NOT NULL,
    FOREIGN KEY (channel_id) REFERENCES channel (id) ON DELETE CASCADE,
    FOREIGN KEY (connection_id) REFERENCES connection (id),
    INDEX channel_amqp_by_connection (connection_id)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Headers and other properties of what is delivered, where it has any.
CREATE TABLE IF NOT EXISTS delivery_properties (
    delivery_id VARCHAR(64) NOT NULL PRIMARY KEY,
    properties_json LONGTEXT NOT NULL,
    FOREIGN KEY (delivery_id) REFERENCES delivery (id) ON DELETE CASCADE
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

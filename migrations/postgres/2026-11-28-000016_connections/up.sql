-- Ways out. client_json holds what a client is made with; its secrets are sealed with the master key for the row
-- with this id.
CREATE TABLE IF NOT EXISTS connection (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    kind TEXT COLLATE "C" NOT NULL,
    active BOOLEAN NOT NULL,
    client_json TEXT COLLATE "C" NOT NULL,
    revision BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL
);

-- What only AMQP channels have; the path of such a channel is empty.
CREATE TABLE IF NOT EXISTS channel_amqp (
    channel_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES channel (id) ON DELETE CASCADE,
    connection_id TEXT COLLATE "C" NOT NULL REFERENCES connection (id),
    amqp_json TEXT COLLATE "C" NOT NULL
);
CREATE INDEX IF NOT EXISTS channel_amqp_by_connection ON channel_amqp (connection_id);

-- Headers and other properties of what is delivered, where it has any.
CREATE TABLE IF NOT EXISTS delivery_properties (
    delivery_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES delivery (id) ON DELETE CASCADE,
    properties_json TEXT COLLATE "C" NOT NULL
);

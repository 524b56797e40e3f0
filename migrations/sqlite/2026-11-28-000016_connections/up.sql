-- Ways out. client_json holds what a client is made with; its secrets are sealed with the master key for the row
-- with this id.
CREATE TABLE IF NOT EXISTS connection (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    active INTEGER NOT NULL,
    client_json TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL
) STRICT;

-- What only AMQP channels have; the path of such a channel is empty.
CREATE TABLE IF NOT EXISTS channel_amqp (
    channel_id TEXT NOT NULL PRIMARY KEY REFERENCES channel (id) ON DELETE CASCADE,
    connection_id TEXT NOT NULL REFERENCES connection (id),
    amqp_json TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS channel_amqp_by_connection ON channel_amqp (connection_id);

-- Headers and other properties of what is delivered, where it has any.
CREATE TABLE IF NOT EXISTS delivery_properties (
    delivery_id TEXT NOT NULL PRIMARY KEY REFERENCES delivery (id) ON DELETE CASCADE,
    properties_json TEXT NOT NULL
) STRICT;

-- What only SOAP channels have.
CREATE TABLE IF NOT EXISTS channel_soap (
    channel_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES channel (id) ON DELETE CASCADE,
    soap_json TEXT COLLATE "C" NOT NULL
);

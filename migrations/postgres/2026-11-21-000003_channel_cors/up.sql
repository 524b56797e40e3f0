-- A table of its own, not a column: adding a column can't be run twice, and who does not know it leaves it alone.
CREATE TABLE IF NOT EXISTS channel_cors (
    channel_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES channel (id) ON DELETE CASCADE,
    cors_json TEXT COLLATE "C" NOT NULL
);

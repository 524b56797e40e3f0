-- How busy a worker was when it was last asked, and what it lacked. JSON.
ALTER TABLE server_worker ADD COLUMN IF NOT EXISTS load_json TEXT COLLATE "C" NOT NULL DEFAULT '{}';

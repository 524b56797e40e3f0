-- How busy a worker was when it was last asked, and what it lacked. JSON.
ALTER TABLE server_worker ADD COLUMN load_json TEXT NOT NULL DEFAULT '{}';

-- How busy a worker was when it was last asked, and what it lacked. JSON. MySQL can't add a column unless it is there.
SET @change = IF(
    EXISTS (
        SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'server_worker' AND column_name = 'load_json'
    ),
    'DO 0',
    'ALTER TABLE server_worker ADD COLUMN load_json LONGTEXT NOT NULL DEFAULT (\'{}\')'
);
PREPARE change_table FROM @change;
EXECUTE change_table;
DEALLOCATE PREPARE change_table;

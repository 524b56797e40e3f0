-- Deliveries by their state: the error queue, and how many there are of each. MySQL can't make an index unless it is
-- there.
SET @change = IF(
    EXISTS (
        SELECT 1 FROM information_schema.statistics
        WHERE table_schema = DATABASE() AND table_name = 'delivery' AND index_name = 'delivery_by_state'
    ),
    'DO 0',
    'CREATE INDEX delivery_by_state ON delivery (state, id)'
);
PREPARE change_table FROM @change;
EXECUTE change_table;
DEALLOCATE PREPARE change_table;

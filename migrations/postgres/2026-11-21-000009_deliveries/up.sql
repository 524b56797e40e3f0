-- Deliveries by their state: the error queue, and how many there are of each.
CREATE INDEX IF NOT EXISTS delivery_by_state ON delivery (state, id);

DROP TABLE IF EXISTS idempotent_reply;
DROP TABLE IF EXISTS delivery_payload;
DROP TABLE IF EXISTS delivery;
DROP TABLE IF EXISTS kv_entry;

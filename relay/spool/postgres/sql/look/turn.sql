-- Which tables are written, since when, and which of the tables of records hold nothing but space.
SELECT records_table, records_since_ms, seen_table, seen_since_ms FROM relay.meta

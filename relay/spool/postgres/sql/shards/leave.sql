-- This relay ends.
DELETE FROM relay.relays WHERE name = $1

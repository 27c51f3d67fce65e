-- Bindings that ended long ago.
DELETE FROM relay.bindings WHERE expires_at_ms < $1

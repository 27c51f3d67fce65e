INSERT OR REPLACE INTO bindings (slot, crc, site, session_id, user_id, target, expires_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)

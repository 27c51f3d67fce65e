INSERT OR REPLACE INTO bindings (slot, crc, target, session_id, user_id, page_session, expires_at_ms, kept_until_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)

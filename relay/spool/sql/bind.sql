INSERT INTO bindings (site, session_id, user_id, target, expires_at_ms) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (site, session_id) DO UPDATE
SET user_id = excluded.user_id, target = excluded.target, expires_at_ms = excluded.expires_at_ms

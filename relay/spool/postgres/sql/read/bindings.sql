-- Sessions that are nobody else's, those used last first.
SELECT target, session_id, user_id, expires_at_ms, page_session FROM relay.bindings
WHERE expires_at_ms > $1 ORDER BY expires_at_ms DESC LIMIT $2

-- Sessions that are a user's now.
SELECT target, session_id, user_id, expires_at_ms, page_session FROM relay.bindings
WHERE expires_at_ms > $1 AND user_id = $2

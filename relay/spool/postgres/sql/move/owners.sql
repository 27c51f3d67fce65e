-- Whose these sessions are, and are nobody else's.
SELECT session, user_id, expires_at_ms FROM relay.bindings WHERE session = ANY ($1::bigint[]) AND expires_at_ms > $2

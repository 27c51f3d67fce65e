-- Buried events, in order.
SELECT seq, operation, target, session_id, user_id, header, body, accepted_at_ms, buried_at_ms, reason, message
FROM relay.buried JOIN relay.flows USING (flow) WHERE seq > $1 ORDER BY seq LIMIT $2

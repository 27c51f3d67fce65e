SELECT seq, session, flow, accepted_at_ms, crc, session_id, user_id, event_id, body
FROM buried WHERE seq > ? AND (? OR seq IN (SELECT value FROM json_each(?))) ORDER BY seq LIMIT ?

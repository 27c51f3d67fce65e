INSERT OR REPLACE INTO buried
SELECT seq, session, flow, accepted_at_ms, crc, session_id, user_id, event_id, body, ?, ?, ?
FROM records WHERE seq = ?

-- Buried events that are to wait again, at most some at a time.
DELETE FROM relay.buried WHERE seq IN (
  SELECT seq FROM relay.buried WHERE seq > $1 AND ($2 OR seq = ANY ($3::bigint[])) ORDER BY seq LIMIT $4
  FOR UPDATE SKIP LOCKED
)
RETURNING seq, session, page, flow, session_id, user_id, header, body

-- Whose sessions are these: the first user wins, for as long as the binding is remembered. One answer a session, in any order;
-- none for users who were erased.
INSERT INTO relay.bindings AS held (session, target, session_id, page_session, user_id, expires_at_ms)
SELECT DISTINCT ON (session) session, target, session_id, page_session, user_id, expires_at_ms
FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bigint[])
  WITH ORDINALITY
  AS asked(session, target, session_id, page_session, user_id, fingerprint, expires_at_ms, ordinal)
WHERE NOT coalesce((
  SELECT refused FROM relay.erased WHERE kind = 'user' AND erased.fingerprint = asked.fingerprint ORDER BY n DESC LIMIT 1
), false)
ORDER BY session, ordinal
ON CONFLICT (session) DO UPDATE SET
  user_id = CASE WHEN held.expires_at_ms + $8 < $9 THEN excluded.user_id ELSE held.user_id END,
  page_session = CASE WHEN held.expires_at_ms + $8 < $9 THEN excluded.page_session ELSE held.page_session END,
  expires_at_ms = CASE
    WHEN held.user_id = excluded.user_id OR held.expires_at_ms + $8 < $9
    THEN greatest(held.expires_at_ms, excluded.expires_at_ms) ELSE held.expires_at_ms END
RETURNING session, target, session_id, page_session, user_id, expires_at_ms

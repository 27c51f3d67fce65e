-- Copies of what was delivered; none of users who were erased, or of sessions that were erased while the call was under way.
INSERT INTO relay.archive_{archive} (session, page, target, session_id, user_id, entries)
SELECT session, page, target, session_id, user_id, entries
FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bytea[], $8::bytea[])
  AS new(session, page, target, session_id, user_id, entries, user_fingerprint, session_fingerprint)
WHERE NOT coalesce((
  SELECT refused FROM relay.erased WHERE kind = 'user' AND fingerprint = new.user_fingerprint ORDER BY n DESC LIMIT 1
), false) AND NOT EXISTS (
  SELECT FROM relay.erased
  WHERE kind = 'session' AND fingerprint = new.session_fingerprint AND at > now() - interval '2 minutes'
)

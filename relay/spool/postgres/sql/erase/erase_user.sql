-- What waits of a user: with the user on it, or anonymous in a session that was the user's; or found to be about the user.
DELETE FROM relay.records_{records} AS record
WHERE record.user_id = $1
  OR (record.session = ANY ($2::bigint[]) AND record.user_id IS NULL AND NOT record.never_bound)
  OR record.seq = ANY ($3::bigint[])
RETURNING seq, session, waiting

-- Archived batches of a session or a user, in order.
SELECT n, target, session_id, user_id, NULL::bytea AS header, entries AS body, 0 AS waiting FROM relay.archive
WHERE n > $1 AND ((session = ANY ($2::bigint[]) AND session_id = $3) OR user_id = $4)
ORDER BY n LIMIT $5

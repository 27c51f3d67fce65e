-- Archived batches of a tracking id, in order.
SELECT n, session_id, user_id, NULL::bytea AS header, entries AS body, 0 AS waiting
FROM relay.archive WHERE target = $1 AND n > $2 ORDER BY n LIMIT $3

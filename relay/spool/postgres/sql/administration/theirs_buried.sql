-- Events of a session or a user, in order.
SELECT seq AS n, target, session_id, user_id, header, body, 1 AS waiting FROM relay.buried JOIN relay.flows USING (flow)
WHERE operation = 'PutEvents' AND seq > $1 AND ((session = ANY ($2::bigint[]) AND session_id = $3) OR user_id = $4)
ORDER BY seq LIMIT $5

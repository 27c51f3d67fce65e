-- Events of a tracking id, in order.
SELECT seq AS n, session_id, user_id, header, body, waiting
FROM relay.records JOIN relay.flows USING (flow)
WHERE operation = 'PutEvents' AND target = $1 AND seq > $2 ORDER BY seq LIMIT $3

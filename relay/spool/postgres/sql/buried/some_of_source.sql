-- The next of those that one has sent.
SELECT seq, octet_length(body) AS bytes FROM relay.buried
WHERE seq > $1 AND CASE source WHEN 0 THEN session ELSE source END = $2 ORDER BY seq LIMIT $3

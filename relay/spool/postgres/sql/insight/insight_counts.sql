-- What all relays but one have counted since a time.
SELECT key, sum(count)::bigint AS count FROM relay.insight_counts
WHERE unit = $1 AND start >= $2 AND relay <> $3 GROUP BY key

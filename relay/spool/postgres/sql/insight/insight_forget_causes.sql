-- Causes that were not met for long, and the oldest past a number.
DELETE FROM relay.insight_causes
WHERE last_ms < $1 OR last_ms < (SELECT last_ms FROM relay.insight_causes ORDER BY last_ms DESC OFFSET $2 LIMIT 1)

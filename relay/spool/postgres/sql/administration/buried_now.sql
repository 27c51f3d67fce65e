-- Buried events that are kept, by reason.
SELECT reason, count(*) AS count FROM relay.buried GROUP BY reason ORDER BY count DESC

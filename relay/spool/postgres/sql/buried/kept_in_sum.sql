-- Buried events that are kept now, by what came and went; the oldest to the hour.
SELECT coalesce(sum(records), 0)::bigint AS records, coalesce(sum(bytes), 0)::bigint AS bytes, min(oldest_at_ms) AS oldest_at_ms
FROM (
  SELECT sum(records) AS records, sum(bytes) AS bytes, min(oldest_at_ms) AS oldest_at_ms
  FROM relay.buried_sums GROUP BY hour HAVING sum(records) > 0
) AS hours

-- What is kept takes on disk (event ids are bounded by their time, archive and counts by themselves), and when the oldest of what waits was accepted.
SELECT
  (SELECT sum(pg_total_relation_size(oid)) FROM pg_class
   WHERE relnamespace = 'relay'::regnamespace AND relkind = 'r' AND relname NOT LIKE 'seen%' AND relname NOT LIKE 'archive%'
   AND relname NOT LIKE 'insight%')::bigint AS bytes,
  (SELECT min(oldest) FROM (
    (SELECT accepted_at_ms AS oldest FROM relay.records_0 ORDER BY seq LIMIT 1) UNION ALL
    (SELECT accepted_at_ms FROM relay.records_1 ORDER BY seq LIMIT 1) UNION ALL
    (SELECT accepted_at_ms FROM relay.records_2 ORDER BY seq LIMIT 1) UNION ALL
    (SELECT accepted_at_ms FROM relay.records_3 ORDER BY seq LIMIT 1)
  ) AS first) AS oldest_accepted_at_ms

-- One row an hour, of hours that have several and that nobody else is folding.
WITH gone AS (
  DELETE FROM relay.buried_sums WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM relay.buried_sums
    WHERE hour IN (SELECT hour FROM relay.buried_sums GROUP BY hour HAVING count(*) > 1)
    FOR UPDATE SKIP LOCKED
  ))
  RETURNING *
)
INSERT INTO relay.buried_sums
SELECT hour, sum(records), sum(bytes), min(oldest_at_ms) FROM gone GROUP BY hour HAVING sum(records) <> 0 OR sum(bytes) <> 0

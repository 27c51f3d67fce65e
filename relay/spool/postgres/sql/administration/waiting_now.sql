-- What waits, by operation and target.
SELECT operation, target, sum(bit_count(waiting::bit(32)))::bigint AS pending, min(accepted_at_ms) AS oldest
FROM relay.records JOIN relay.flows USING (flow) GROUP BY operation, target ORDER BY pending DESC

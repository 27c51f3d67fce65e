-- Buried events that are kept now, counted one by one.
SELECT count(*) AS records, coalesce(sum(octet_length(body)), 0)::bigint AS bytes, min(buried_at_ms) AS oldest_at_ms
FROM relay.buried

-- Records of groups that were announced, of some shards.
SELECT record.seq, record.session, record.flow, record.accepted_at_ms, record.waiting
FROM unnest($1::bigint[]) AS announced(first)
JOIN relay.records AS record ON record.seq BETWEEN announced.first AND announced.first + 9999
WHERE (record.session >> 54)::integer = ANY ($2::integer[])
ORDER BY record.seq

-- What came lately, announced or not, of some shards, but for groups of which all is known; and the newest number.
SELECT seq, session, flow, accepted_at_ms, waiting FROM relay.records
WHERE seq > $1 AND (session >> 54)::integer = ANY ($2::integer[]) AND seq / 10000 <> ALL ($3::bigint[])
UNION ALL SELECT last_value * 10000, NULL, NULL, NULL, NULL FROM relay.groups
ORDER BY session NULLS FIRST, seq

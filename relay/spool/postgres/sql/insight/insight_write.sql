-- What a relay has counted in each minute and hour by now, in all.
INSERT INTO relay.insight_counts (relay, unit, start, digest, key, count)
SELECT $1, one.* FROM unnest($2::integer[], $3::bigint[], $4::bytea[], $5::bytea[], $6::bigint[]) AS one
ON CONFLICT (unit, start, relay, digest) DO UPDATE SET count = excluded.count

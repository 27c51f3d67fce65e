-- How often a relay has met each cause by now, in all.
INSERT INTO relay.insight_causes (relay, digest, key, trusted, times, first_ms, last_ms)
SELECT $1, one.* FROM unnest($2::bytea[], $3::bytea[], $4::boolean[], $5::bigint[], $6::bigint[], $7::bigint[]) AS one
ON CONFLICT (relay, digest) DO UPDATE SET trusted = excluded.trusted, times = excluded.times,
  first_ms = excluded.first_ms, last_ms = excluded.last_ms

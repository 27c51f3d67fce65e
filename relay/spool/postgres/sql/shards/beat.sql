-- "I am here", and which of my shards are still mine.
WITH me AS (
  INSERT INTO relay.relays (name, beat, erased_seen, version, counts, leaving)
  VALUES ($1, now(), $2, $3, true, $7)
  ON CONFLICT (name) DO UPDATE SET beat = now(), erased_seen = excluded.erased_seen, version = excluded.version, counts = true,
    leaving = excluded.leaving
)
UPDATE relay.shards SET lease_until = now() + make_interval(secs => $4)
WHERE owner = $1 AND (shard, epoch) IN (SELECT * FROM unnest($5::smallint[], $6::bigint[]))
RETURNING shard

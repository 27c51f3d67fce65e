-- Shards that are free, or whose owner has not been heard of, up to a number. Each changes hands: a new epoch.
UPDATE relay.shards SET owner = $1, epoch = epoch + 1, lease_until = now() + make_interval(secs => $2)
WHERE shard IN (
  SELECT shard FROM relay.shards
  WHERE owner IS NULL OR lease_until < now() OR (owner = $1 AND NOT shard = ANY ($4::smallint[]))
  ORDER BY random() LIMIT $3 FOR UPDATE SKIP LOCKED
)
RETURNING shard, epoch

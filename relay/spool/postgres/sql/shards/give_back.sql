-- Shards for somebody else, at once.
UPDATE relay.shards SET owner = NULL, lease_until = '-infinity'
WHERE owner = $1 AND (shard, epoch) IN (SELECT * FROM unnest($2::smallint[], $3::bigint[]))

-- Events that are kept and no longer tried, while their shard is still in the same hands and they still wait.
WITH held AS MATERIALIZED (
  SELECT record.seq + one.place AS seq, record.session, record.page, record.flow, record.accepted_at_ms, record.session_id,
    one.user_id, one.header, one.body, one.reason, one.message, one.source
  FROM unnest($1::bigint[], $2::integer[], $3::smallint[], $4::bigint[], $5::bytea[], $6::bytea[], $7::bytea[], $8::text[],
    $9::text[], $10::bigint[]) AS one(seq, place, shard, epoch, user_id, header, body, reason, message, source)
  JOIN relay.records_{records} AS record ON record.seq = one.seq AND record.waiting & (1 << one.place) <> 0
  JOIN relay.shards AS shard ON shard.shard = one.shard AND shard.epoch = one.epoch
  ORDER BY record.seq FOR UPDATE OF record
)
INSERT INTO relay.buried
  (seq, session, page, flow, accepted_at_ms, session_id, user_id, header, body, reason, message, source, buried_at_ms)
SELECT held.*, $11 FROM held ON CONFLICT (seq) DO NOTHING RETURNING seq

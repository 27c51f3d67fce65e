-- What waits of some operations and targets goes, some records at a time.
WITH chosen AS MATERIALIZED (
  SELECT seq FROM relay.records_{records} WHERE seq > $1 AND flow = ANY ($2::integer[]) ORDER BY seq LIMIT $3 FOR UPDATE
)
DELETE FROM relay.records_{records} AS record USING chosen WHERE record.seq = chosen.seq RETURNING record.seq, record.waiting

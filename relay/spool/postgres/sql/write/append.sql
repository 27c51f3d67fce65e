-- One group of records, in one statement that commits by itself. Events that were seen before are left out; what is new
-- of a record is its `waiting`. ON CONFLICT waits for a twin under way at another relay, so that of two copies one is stored.
-- It counts, and so writes, also where nothing is new: only who writes waits for a synchronous standby, and what was there
-- already may have been committed by somebody who was cut off while waiting for it.
WITH event AS MATERIALIZED (
  SELECT * FROM unnest($1::integer[], $2::integer[], $3::bigint[], $4::bigint[]) AS event(record, place, session, event)
), fresh AS (
  INSERT INTO relay.seen_{seen} (session, event, by)
  SELECT session, event, $5 FROM event
  WHERE (SELECT by FROM relay.seen_{other} AS old WHERE old.session = event.session AND old.event = event.event) IS NULL
  ORDER BY session, event  -- two groups with the same ids must meet in one order
  ON CONFLICT DO NOTHING
  RETURNING session, event
), new AS MATERIALIZED (
  SELECT record, sum(1 << place)::integer AS waiting FROM event JOIN fresh USING (session, event) GROUP BY record
), numbered AS MATERIALIZED (
  SELECT nextval('relay.groups') * 10000 AS first
), stored AS (
  INSERT INTO relay.records_{records}
    (seq, session, page, flow, accepted_at_ms, waiting, never_bound, session_id, user_id, header, body)
  SELECT (SELECT first FROM numbered) + one.number, one.session, one.page, one.flow, $6, new.waiting, one.never_bound,
    one.session_id,
    CASE WHEN (
      SELECT refused FROM relay.erased
      WHERE kind = 'user' AND fingerprint = one.user_fingerprint ORDER BY n DESC LIMIT 1
    ) THEN NULL ELSE one.user_id END,
    one.header, one.body
  FROM unnest($7::integer[], $8::bigint[], $9::bigint[], $10::integer[], $11::boolean[], $12::bytea[], $13::bytea[],
    $14::bytea[], $15::bytea[], $16::bytea[]) WITH ORDINALITY
    AS one(number, session, page, flow, never_bound, session_id, user_id, user_fingerprint, header, body, ordinal)
  JOIN new ON new.record = one.ordinal
), counted AS (
  INSERT INTO relay.ledger (relay, minute, name, count)
  SELECT $17, $18, 'accepted', count(*) FROM fresh
  ON CONFLICT (relay, minute, name) DO UPDATE SET count = ledger.count + excluded.count
)
SELECT (SELECT first FROM numbered) AS first, event.record, event.place
FROM event LEFT JOIN fresh USING (session, event)
WHERE fresh.event IS NULL
UNION ALL SELECT first, NULL, NULL FROM numbered

-- After an append whose answer was lost: which of its events are there because of it. None: it did not happen.
-- It writes, be it a nought: a commit whose wait for a synchronous standby was cut off is seen here and is nowhere else, and
-- only who writes waits for the standby to have all that was written before.
WITH written AS (
  INSERT INTO relay.ledger (relay, minute, name, count) VALUES ($6, $7, 'accepted', 0)
  ON CONFLICT (relay, minute, name) DO UPDATE SET count = ledger.count
)
SELECT event.record, event.place
FROM unnest($1::integer[], $2::integer[], $3::bigint[], $4::bigint[]) AS event(record, place, session, event)
JOIN (SELECT * FROM relay.seen_0 WHERE by = $5 UNION ALL SELECT * FROM relay.seen_1 WHERE by = $5) AS seen USING (session, event)

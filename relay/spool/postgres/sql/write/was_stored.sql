-- After an append whose answer was lost: which of its events are there because of it. None: it did not happen.
SELECT event.record, event.place
FROM unnest($1::integer[], $2::integer[], $3::bigint[], $4::bigint[]) AS event(record, place, session, event)
JOIN (SELECT * FROM relay.seen_0 WHERE by = $5 UNION ALL SELECT * FROM relay.seen_1 WHERE by = $5) AS seen USING (session, event)

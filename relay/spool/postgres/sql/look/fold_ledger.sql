-- Minutes before $2 become hours, hours before $1 (the start of one) what was before; there relays that are gone are one.
WITH old AS (
  DELETE FROM relay.ledger WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM relay.ledger
    WHERE minute < $1 AND (minute > 0 OR relay <> 'gone' AND relay NOT IN (SELECT name FROM relay.relays))
      OR minute < $2 AND minute % 60 <> 0
    LIMIT 10000 FOR UPDATE SKIP LOCKED
  ))
  RETURNING *
)
INSERT INTO relay.ledger (relay, minute, name, count)
SELECT
  CASE WHEN minute >= $1 OR relay IN (SELECT name FROM relay.relays) THEN relay ELSE 'gone' END,
  CASE WHEN minute >= $1 THEN minute - minute % 60 ELSE 0 END,
  name, sum(count)
FROM old GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
ON CONFLICT (relay, minute, name) DO UPDATE SET count = ledger.count + excluded.count

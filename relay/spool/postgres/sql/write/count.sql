-- Counts of events of this relay and minute.
INSERT INTO relay.ledger (relay, minute, name, count)
SELECT $1, $2, name, count FROM unnest($3::text[], $4::bigint[]) AS one(name, count)
ON CONFLICT (relay, minute, name) DO UPDATE SET count = ledger.count + excluded.count

-- The ledger of all relays but one, summed.
SELECT name, sum(count)::bigint AS count FROM relay.ledger WHERE relay <> $1 GROUP BY name

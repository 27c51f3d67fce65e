-- What became of events since a minute, at all relays, those of an earlier version and the command line too.
SELECT split_part(name, ':', 1) AS name, sum(count)::bigint AS count FROM relay.ledger WHERE minute >= $1 GROUP BY 1

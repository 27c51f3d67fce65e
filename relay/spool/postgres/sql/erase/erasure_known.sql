-- Whether every other relay that is alive has dropped what it remembered of the erased, up to a number.
SELECT NOT EXISTS (
  SELECT FROM relay.relays WHERE beat > now() - make_interval(secs => $2) AND erased_seen < $1 AND name <> $3
) AS known

-- Relays that are alive: how many of them count here, how many do not.
SELECT count(*) FILTER (WHERE counts) AS counting, count(*) FILTER (WHERE NOT counts) AS others
FROM relay.relays WHERE beat > now() - make_interval(secs => $1)

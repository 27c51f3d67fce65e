-- Relays that have been heard of within a lease, this one too, and how many of them go on; those silent for a day are
-- forgotten.
WITH gone AS (DELETE FROM relay.relays WHERE beat < now() - interval '1 day')
SELECT count(*) AS alive, count(*) FILTER (WHERE NOT leaving) AS staying FROM relay.relays WHERE beat > now() - make_interval(secs => $1)

-- Relays that have been heard of within a lease, this one too; those silent for a day are forgotten.
WITH gone AS (DELETE FROM relay.relays WHERE beat < now() - interval '1 day')
SELECT count(*) FROM relay.relays WHERE beat > now() - make_interval(secs => $1)

-- Events that have left their records; a record whose last event goes, goes with it. Not fenced: what was delivered may go,
-- whoever owns it by now. Returns what was hit, a bit for each event: less than was meant where somebody was faster.
WITH gone AS MATERIALIZED (SELECT * FROM unnest($1::bigint[], $2::integer[]) AS gone(seq, places)),
held AS MATERIALIZED (
  SELECT record.seq, record.waiting, gone.places FROM gone
  JOIN relay.records_{records} AS record ON record.seq = gone.seq AND record.waiting & gone.places <> 0
  ORDER BY record.seq FOR UPDATE OF record
), cut AS (
  UPDATE relay.records_{records} AS record SET waiting = held.waiting & ~held.places
  FROM held WHERE record.seq = held.seq AND held.waiting & ~held.places <> 0
), removed AS (
  DELETE FROM relay.records_{records} AS record USING held
  WHERE record.seq = held.seq AND held.waiting & ~held.places = 0
)
SELECT seq, waiting & places AS places FROM held

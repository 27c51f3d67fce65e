-- Before event ids are forgotten, some at a time: those of sessions of which something still waits are remembered on. The last
-- that was looked at, and how many were. Each is looked for by the indexes of sessions and pages, however much waits.
WITH looked_at AS MATERIALIZED (
  SELECT session, event, by FROM relay.seen_{other} WHERE (session, event) > ($1, $2) ORDER BY session, event LIMIT $3
), kept AS (
  INSERT INTO relay.seen_{seen} (session, event, by)
  SELECT session, event, by FROM looked_at
  CROSS JOIN LATERAL (  -- one by one: as EXISTS all that waits would be read for it
    SELECT true FROM relay.records AS record WHERE record.session = looked_at.session
    UNION ALL SELECT true FROM relay.records AS record WHERE record.page = looked_at.session
    LIMIT 1
  ) AS waiting
  ORDER BY session, event  -- as an append does: who meets another must meet it in one order
  ON CONFLICT DO NOTHING
)
SELECT session, event, (SELECT count(*) FROM looked_at) AS count FROM looked_at ORDER BY session DESC, event DESC LIMIT 1

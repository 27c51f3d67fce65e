-- A number for an operation and target; the one there is, if there is one.
WITH new AS (
  INSERT INTO relay.flows (operation, target) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING flow
)
SELECT flow FROM new UNION ALL SELECT flow FROM relay.flows WHERE operation = $1 AND target = $2

-- Rows of a unit that are too old, whoever wrote them.
DELETE FROM relay.insight_counts WHERE unit = $1 AND start < $2

-- Causes a relay has forgotten for newer ones.
DELETE FROM relay.insight_causes WHERE relay = $1 AND digest = ANY ($2::bytea[])

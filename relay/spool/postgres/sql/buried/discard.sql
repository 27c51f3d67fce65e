-- Buried events are forgotten for good.
DELETE FROM relay.buried WHERE seq = ANY ($1::bigint[]) RETURNING seq

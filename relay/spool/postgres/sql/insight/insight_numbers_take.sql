-- Those of some shards: whoever deletes a row has it. What nobody took for an hour goes, too.
WITH old AS (DELETE FROM relay.insight_numbers WHERE at < now() - interval '1 hour')
DELETE FROM relay.insight_numbers
WHERE (session >> 54)::integer = ANY ($1::integer[]) AND at >= now() - interval '1 hour'
RETURNING n, session, number, browser

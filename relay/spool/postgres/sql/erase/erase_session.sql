-- What waits of sessions, and of those derived from them.
DELETE FROM relay.records_{records} AS record
WHERE record.session = ANY ($1::bigint[]) OR record.page = ANY ($1::bigint[])
RETURNING seq, session, waiting

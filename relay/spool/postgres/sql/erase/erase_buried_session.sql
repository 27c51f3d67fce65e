-- What is buried of sessions, and of those derived from them.
DELETE FROM relay.buried WHERE session = ANY ($1::bigint[]) OR page = ANY ($1::bigint[])
RETURNING seq

-- Archived events of sessions, and of those derived from them.
DELETE FROM relay.archive_{archive} WHERE session = ANY ($1::bigint[]) OR page = ANY ($1::bigint[]) RETURNING entries

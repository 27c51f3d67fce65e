-- The bindings of a session, and of those derived from it.
DELETE FROM relay.bindings WHERE session_id = $1 OR page_session = $1

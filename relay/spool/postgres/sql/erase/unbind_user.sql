-- The bindings of a user.
DELETE FROM relay.bindings WHERE user_id = $1 RETURNING session

-- Archived events of a user.
DELETE FROM relay.archive_{archive} WHERE user_id = $1 RETURNING entries

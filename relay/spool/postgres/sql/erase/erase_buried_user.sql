-- What is buried of a user, or found to be about the user.
DELETE FROM relay.buried WHERE user_id = $1 OR seq = ANY ($2::bigint[])
RETURNING seq

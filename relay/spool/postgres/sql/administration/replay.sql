-- Events wait again, under new numbers, at the end of their sessions; owners find them with their next look.
WITH numbered AS MATERIALIZED (SELECT nextval('relay.groups') * 10000 AS first)
INSERT INTO relay.records_{records}
  (seq, session, page, flow, accepted_at_ms, waiting, never_bound, session_id, user_id, header, body)
SELECT (SELECT first FROM numbered) + one.ordinal - 1, session, page, flow, $1, 1, never_bound, session_id, user_id, header, body
FROM unnest($2::bigint[], $3::bigint[], $4::integer[], $5::boolean[], $6::bytea[], $7::bytea[], $8::bytea[], $9::bytea[])
  WITH ORDINALITY AS one(session, page, flow, never_bound, session_id, user_id, header, body, ordinal)

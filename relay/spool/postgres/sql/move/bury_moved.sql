-- Events that were buried in another spool, under new numbers.
WITH numbered AS MATERIALIZED (SELECT nextval('relay.groups') * 10000 AS first)
INSERT INTO relay.buried
  (seq, session, page, flow, accepted_at_ms, session_id, user_id, header, body, reason, message, buried_at_ms, source)
SELECT (SELECT first FROM numbered) + one.ordinal - 1, session, page, flow, accepted_at_ms, session_id, user_id, header,
  body, reason, message, buried_at_ms, source
FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::bigint[], $5::bytea[], $6::bytea[], $7::bytea[], $8::bytea[],
  $9::text[], $10::text[], $11::bigint[], $12::bigint[]) WITH ORDINALITY
  AS one(session, page, flow, accepted_at_ms, session_id, user_id, header, body, reason, message, buried_at_ms, source,
    ordinal)

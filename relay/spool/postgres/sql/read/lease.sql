-- The truth about sessions that are to be delivered: their first records, in one snapshot, by session and in order, with the
-- user of whoever has logged in and whether that user was erased meanwhile. What was sent and is not yet deleted is left out.
SELECT record.*, flow.operation, flow.target, binding.user_id AS bound_user,
  coalesce((
    SELECT refused FROM relay.erased
    WHERE kind = 'user' AND fingerprint = sha256($5::bytea || coalesce(record.user_id, binding.user_id))
    ORDER BY n DESC LIMIT 1
  ), false) AS refused
FROM unnest($1::bigint[]) AS asked(session)
CROSS JOIN LATERAL (
  SELECT record.part, record.seq, record.session, record.flow, record.accepted_at_ms, record.never_bound,
    record.session_id, record.user_id, record.header, record.body,
    record.waiting & ~coalesce(gone.places, 0) AS waiting
  FROM relay.records AS record
  LEFT JOIN unnest($2::bigint[], $3::integer[]) AS gone(seq, places) ON gone.seq = record.seq
  WHERE record.session = asked.session AND record.waiting & ~coalesce(gone.places, 0) <> 0
  ORDER BY record.seq LIMIT $4
) AS record
JOIN relay.flows AS flow ON flow.flow = record.flow
LEFT JOIN relay.bindings AS binding ON binding.session = record.session
  AND NOT record.never_bound AND record.accepted_at_ms < binding.expires_at_ms
ORDER BY record.seq

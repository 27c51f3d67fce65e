-- What waits of a range of sessions, in order.
SELECT seq, session, flow, accepted_at_ms, waiting FROM relay.records WHERE session BETWEEN $1 AND $2 ORDER BY seq

-- Records that were taken by another spool keep the time of it.
UPDATE relay.records_{records} AS record SET accepted_at_ms = one.accepted_at_ms
FROM unnest($1::bigint[], $2::bigint[]) AS one(seq, accepted_at_ms) WHERE record.seq = one.seq

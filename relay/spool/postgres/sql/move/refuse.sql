-- Users were erased in another spool: those who are not refused here yet.
INSERT INTO relay.erased (kind, fingerprint, refused)
SELECT 'user', one.fingerprint, true FROM unnest($1::bytea[]) AS one(fingerprint)
WHERE NOT coalesce((
  SELECT refused FROM relay.erased WHERE kind = 'user' AND fingerprint = one.fingerprint ORDER BY n DESC LIMIT 1
), false)

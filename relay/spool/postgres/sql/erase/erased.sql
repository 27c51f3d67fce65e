-- Erasures this relay does not know yet.
SELECT n, kind, fingerprint, refused, whom FROM relay.erased WHERE n > $1 ORDER BY n

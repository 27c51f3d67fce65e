-- Somebody was erased, or may come back.
INSERT INTO relay.erased (kind, fingerprint, refused, whom) VALUES ($1, $2, $3, $4) RETURNING n

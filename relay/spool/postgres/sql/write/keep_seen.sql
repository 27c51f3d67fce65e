-- Before event ids are forgotten: those of sessions of which something still waits are remembered on.
INSERT INTO relay.seen_{seen} (session, event, by)
SELECT session, event, by FROM relay.seen_{other} AS old
WHERE EXISTS (SELECT FROM relay.records WHERE coalesce(records.page, records.session) = old.session)
ON CONFLICT DO NOTHING

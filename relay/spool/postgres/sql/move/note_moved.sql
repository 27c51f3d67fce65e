-- So much of another spool is here now.
INSERT INTO relay.moves (source, name, count) SELECT $1, name, count FROM unnest($2::text[], $3::bigint[]) AS one(name, count)
ON CONFLICT (source, name) DO UPDATE SET count = excluded.count

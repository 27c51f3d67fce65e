-- Which table of the archive is written, and how large it is.
SELECT archive_table, pg_total_relation_size('relay.archive_' || archive_table) AS bytes FROM relay.meta

-- How much of another spool is here.
SELECT name, count FROM relay.moves WHERE source = $1

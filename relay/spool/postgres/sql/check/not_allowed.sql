-- Tables that this role may not work with.
SELECT relname::text AS name FROM pg_class
WHERE relnamespace = 'relay'::regnamespace AND relkind = 'r' AND NOT (
  has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT') AND has_table_privilege(oid, 'UPDATE')
  AND has_table_privilege(oid, 'DELETE') AND has_table_privilege(oid, 'TRUNCATE'))
ORDER BY relname

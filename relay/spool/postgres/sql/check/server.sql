-- What this server is, and how it is set up.
SELECT
  current_setting('server_version') AS version,
  current_setting('server_version_num')::integer AS number,
  pg_is_in_recovery() AS is_standby,
  current_user::text AS role,
  current_database()::text AS database,
  has_database_privilege(current_database(), 'CREATE') AS may_make,
  to_regnamespace('relay') IS NOT NULL AS has_schema,
  coalesce(has_schema_privilege(to_regnamespace('relay')::oid, 'USAGE'), false) AS may_use,
  coalesce(has_schema_privilege(to_regnamespace('relay')::oid, 'CREATE'), false) AS may_change,
  current_setting('synchronous_commit') AS synchronous_commit,
  current_setting('fsync') AS fsync,
  current_setting('synchronous_standby_names') AS standby_names,
  current_setting('rds.extensions', true) IS NOT NULL AS is_managed,
  (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms

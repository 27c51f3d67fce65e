-- Standbys that are connected; how one is, is NULL where this role may not see it.
SELECT coalesce(application_name, '') AS name, sync_state FROM pg_stat_replication ORDER BY name

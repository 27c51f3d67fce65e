-- Builds but for those that ran last.
DELETE FROM relay.snippets WHERE hash NOT IN (SELECT hash FROM relay.snippets ORDER BY used_at DESC LIMIT $1)

-- A build that pages may have pinned was run.
INSERT INTO relay.snippets (hash, source) VALUES ($1, $2) ON CONFLICT (hash) DO UPDATE SET used_at = now()

-- Builds that are kept.
SELECT hash, source FROM relay.snippets

-- Version 2 of the spool. SQLite has no checksums, and its WAL drops what follows a bad frame; so every record, binding and
-- flow has its own, and the tables that hold them are plain ones whose rows relay.spool.sqlite.recovery.pages finds by themselves.

CREATE TABLE flows (              -- operation and target, once instead of in every record
  flow        INTEGER PRIMARY KEY,
  crc         INTEGER NOT NULL,    -- over all other columns
  operation   TEXT    NOT NULL,
  target      TEXT    NOT NULL
) STRICT;

CREATE TABLE flows_copy (         -- the same rows on another page: without its flow no record can be delivered
  flow        INTEGER PRIMARY KEY,
  crc         INTEGER NOT NULL,
  operation   TEXT    NOT NULL,
  target      TEXT    NOT NULL
) STRICT;

CREATE TABLE records (            -- what waits or is leased
  seq            INTEGER PRIMARY KEY,
  session        INTEGER NOT NULL, -- fingerprint of (operation, target, session id)
  flow           INTEGER NOT NULL,
  accepted_at_ms INTEGER NOT NULL,
  crc            INTEGER NOT NULL, -- over all other columns
  session_id     TEXT    NOT NULL,
  user_id        TEXT,
  event_id       TEXT    NOT NULL,
  body           BLOB    NOT NULL
) STRICT;

CREATE TABLE buried (             -- kept, no longer tried
  seq            INTEGER PRIMARY KEY,
  session        INTEGER NOT NULL,
  flow           INTEGER NOT NULL,
  accepted_at_ms INTEGER NOT NULL,
  crc            INTEGER NOT NULL,
  session_id     TEXT    NOT NULL,
  user_id        TEXT,
  event_id       TEXT    NOT NULL,
  body           BLOB    NOT NULL,
  reason         TEXT    NOT NULL,
  message        TEXT    NOT NULL,
  buried_at_ms   INTEGER NOT NULL
) STRICT;

CREATE TABLE bindings (
  slot          INTEGER PRIMARY KEY, -- fingerprint of (site, session id)
  crc           INTEGER NOT NULL,    -- over all other columns
  site          TEXT    NOT NULL,
  session_id    TEXT    NOT NULL,
  user_id       TEXT    NOT NULL,
  target        TEXT,
  expires_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE ledger (             -- accepted = delivered + buried:* + erased + rows of records
  name  TEXT    PRIMARY KEY,
  count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE salt (               -- keys the fingerprints of sessions
  salt BLOB NOT NULL
) STRICT;

CREATE TABLE orders (             -- what another process asks the relay to do
  id     INTEGER PRIMARY KEY AUTOINCREMENT,
  asked  TEXT    NOT NULL,
  answer TEXT
) STRICT;

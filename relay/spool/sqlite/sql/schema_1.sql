-- Version 1 of the spool. Every record has its own checksum: SQLite has none, and its WAL drops what follows a bad frame.

CREATE TABLE flows (              -- operation and target, once instead of in every record
  flow        INTEGER PRIMARY KEY,
  operation   TEXT    NOT NULL,
  target      TEXT    NOT NULL,
  UNIQUE (operation, target)
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
  site          TEXT    NOT NULL,
  session_id    TEXT    NOT NULL,
  user_id       TEXT    NOT NULL,
  target        TEXT,
  expires_at_ms INTEGER NOT NULL,
  PRIMARY KEY (site, session_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX bindings_by_expiry ON bindings (expires_at_ms);

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

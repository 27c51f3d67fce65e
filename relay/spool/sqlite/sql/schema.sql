-- Version 3 of the spool. SQLite has no checksums, and its WAL drops what follows a bad frame; so every record, binding and
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

CREATE TABLE records (            -- what waits or is leased: one to ten events each
  seq            INTEGER PRIMARY KEY, -- number of the first of its events; the others have the numbers behind it
  session        INTEGER NOT NULL, -- fingerprint of (operation, target, session id)
  flow           INTEGER NOT NULL,
  accepted_at_ms INTEGER NOT NULL,
  crc            INTEGER NOT NULL, -- over all other columns
  waiting        INTEGER NOT NULL, -- bit i: event i has not left
  session_id     TEXT    NOT NULL,
  user_id        TEXT,
  head           BLOB    NOT NULL, -- MessagePack: where each entry ends, what came with the beacon; grows at its end
  body           BLOB    NOT NULL  -- entries of the call, joined by commas
) STRICT;

CREATE TABLE buried (             -- kept, no longer tried: one event each
  number         INTEGER PRIMARY KEY,
  session        INTEGER NOT NULL,
  flow           INTEGER NOT NULL,
  accepted_at_ms INTEGER NOT NULL,
  crc            INTEGER NOT NULL, -- over all other columns but the last three
  session_id     TEXT    NOT NULL,
  user_id        TEXT,
  came           BLOB,             -- MessagePack: what came with the beacon
  source         INTEGER NOT NULL, -- who sent it, as a keyed hash; 0: not known
  body           BLOB    NOT NULL, -- the entry of the call
  reason         TEXT    NOT NULL,
  message        TEXT    NOT NULL,
  buried_at_ms   INTEGER NOT NULL
) STRICT;

-- Of each session one, in the order of saves. Builds before gave each a place by a hash, as the first column's comment
-- says: it stays as it is, for a table whose statement is another is taken for damaged.
CREATE TABLE bindings (
  slot          INTEGER PRIMARY KEY, -- fingerprint of (target, session id)
  crc           INTEGER NOT NULL,    -- over all other columns
  target        TEXT    NOT NULL,
  session_id    TEXT    NOT NULL,
  user_id       TEXT    NOT NULL,
  page_session  TEXT,                -- of a derived session: the one the page named
  expires_at_ms INTEGER NOT NULL,
  kept_until_ms INTEGER NOT NULL     -- so long the session is nobody else's
) STRICT;

CREATE TABLE erasures (           -- users who were erased and are refused; lifting that is a row of its own
  id          INTEGER PRIMARY KEY,
  crc         INTEGER NOT NULL,    -- over all other columns
  fingerprint TEXT    NOT NULL,
  at_ms       INTEGER NOT NULL,
  lifted      INTEGER NOT NULL
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

CREATE TABLE zeros (              -- what free pages are overwritten with, for moments
  zeros BLOB NOT NULL
) STRICT;

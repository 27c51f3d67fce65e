-- Version 1 of the shared spool. Text from clients is bytea: `text` refuses U+0000 and lone surrogates.

DO $$ BEGIN  -- somebody with more rights may have made it
  IF to_regnamespace('relay') IS NULL THEN CREATE SCHEMA relay; END IF;
END $$;

CREATE TABLE relay.meta (           -- one row
  one             boolean     PRIMARY KEY DEFAULT true CHECK (one),
  version         integer     NOT NULL,
  salt            bytea       NOT NULL, -- keys the fingerprints of sessions, the same at every relay
  records_table   integer     NOT NULL DEFAULT 0, -- which of records_0..3 is appended to
  records_since_ms bigint     NOT NULL, -- by the clock of whichever relay switched
  seen_table      integer     NOT NULL DEFAULT 0, -- which of seen_0..1
  seen_since_ms   bigint      NOT NULL
);

CREATE TABLE relay.flows (          -- operation and target, once instead of in every record
  flow      integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  operation text  NOT NULL,
  target    bytea NOT NULL,
  UNIQUE (operation, target)
);

-- Numbers groups of records that were appended together. Not cached: a cached sequence would break the order between relays.
CREATE SEQUENCE relay.groups AS bigint CACHE 1;

-- What waits or is leased. Four tables in turns, emptied by TRUNCATE, so that old transactions cost space and never time.
DO $$ BEGIN
  FOR n IN 0..3 LOOP
    EXECUTE format($t$
      CREATE TABLE relay.records_%1$s (
        seq            bigint   PRIMARY KEY,      -- number of its first event: group * 10000 + place in the group
        session        bigint   NOT NULL,         -- fingerprint of (operation, target, session id); its top bits are the shard
        page           bigint,                    -- the same of the session the page named, where that is another
        flow           integer  NOT NULL,
        accepted_at_ms bigint   NOT NULL,
        waiting        integer  NOT NULL,         -- bit i is set while event i has not left
        never_bound    boolean  NOT NULL,
        session_id     bytea    NOT NULL,
        user_id        bytea,
        header         bytea    NOT NULL,         -- where entries end, and what came with the beacon
        body           bytea    NOT NULL
      ) WITH (fillfactor = 90);
      ALTER TABLE relay.records_%1$s ALTER COLUMN body SET STORAGE PLAIN;
      CREATE INDEX records_%1$s_session ON relay.records_%1$s (session, seq);
      CREATE INDEX records_%1$s_page ON relay.records_%1$s (page) WHERE page IS NOT NULL;
      CREATE INDEX records_%1$s_user ON relay.records_%1$s (user_id) WHERE user_id IS NOT NULL;
    $t$, n);
  END LOOP;
  -- Event ids of the last ten to twenty minutes, unique over all relays. `by`: a random number of the append, for commits
  -- whose answer was lost.
  FOR n IN 0..1 LOOP
    EXECUTE format('CREATE TABLE relay.seen_%s (session bigint, event bigint, by bigint NOT NULL, PRIMARY KEY (session, event))', n);
  END LOOP;
END $$;

CREATE VIEW relay.records AS
            SELECT 0 AS part, * FROM relay.records_0
  UNION ALL SELECT 1 AS part, * FROM relay.records_1
  UNION ALL SELECT 2 AS part, * FROM relay.records_2
  UNION ALL SELECT 3 AS part, * FROM relay.records_3;

CREATE TABLE relay.bindings (       -- which session is whose; the user is written once
  session       bigint PRIMARY KEY, -- fingerprint of (PutEvents, target, session id)
  target        bytea  NOT NULL,
  session_id    bytea  NOT NULL,
  page_session  bytea,              -- of a session derived from another: the other
  user_id       bytea  NOT NULL,
  expires_at_ms bigint NOT NULL     -- after it, and for a week, the session is nobody else's
);
CREATE INDEX bindings_user ON relay.bindings (user_id);
CREATE INDEX bindings_expiry ON relay.bindings (expires_at_ms);

CREATE TABLE relay.erased (         -- who was erased, and who was let in again: rows are only added
  n           bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind        text    NOT NULL CHECK (kind IN ('user', 'session')),
  fingerprint bytea   NOT NULL,
  refused     boolean NOT NULL,     -- false: a user may come back, or it is a session, which is not refused
  whom        bytea,                -- the id, until every relay has dropped what it remembers; then NULL
  at          timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX erased_fingerprint ON relay.erased (fingerprint, n DESC) WHERE kind = 'user';

CREATE TABLE relay.shards (         -- who delivers which range of sessions
  shard       smallint    PRIMARY KEY,
  owner       text,
  epoch       bigint      NOT NULL DEFAULT 0, -- how often it changed hands
  lease_until timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 50);
INSERT INTO relay.shards (shard) SELECT generate_series(0, 63);

CREATE TABLE relay.relays (         -- who is alive
  name        text        PRIMARY KEY,
  beat        timestamptz NOT NULL,
  erased_seen bigint      NOT NULL, -- up to which row of erased it refuses users
  version     text        NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE relay.buried (         -- events kept, no longer tried; one row an event
  seq            bigint  PRIMARY KEY,
  session        bigint  NOT NULL,
  page           bigint,
  flow           integer NOT NULL,
  accepted_at_ms bigint  NOT NULL,
  session_id     bytea   NOT NULL,
  user_id        bytea,
  header         bytea   NOT NULL,
  body           bytea   NOT NULL,
  reason         text    NOT NULL,
  message        text    NOT NULL,
  buried_at_ms   bigint  NOT NULL
);
CREATE INDEX buried_session ON relay.buried (session);
CREATE INDEX buried_page ON relay.buried (page) WHERE page IS NOT NULL;
CREATE INDEX buried_user ON relay.buried (user_id) WHERE user_id IS NOT NULL;

CREATE TABLE relay.ledger (         -- counts of events, a row a relay and minute, so that no row is hot; folded once a day
  relay  text   NOT NULL,
  minute bigint NOT NULL,
  name   text   NOT NULL,
  count  bigint NOT NULL,
  PRIMARY KEY (relay, minute, name)
);

CREATE TABLE relay.snippets (       -- builds that pages may have pinned
  hash    text        PRIMARY KEY,
  source  bytea       NOT NULL,
  used_at timestamptz NOT NULL DEFAULT now()
);

-- Delivered events, kept on request: two tables in turns, the older is emptied when the younger is half of what may be.
CREATE SEQUENCE relay.archived AS bigint;
ALTER TABLE relay.meta ADD archive_table integer NOT NULL DEFAULT 0;
DO $$ BEGIN
  FOR n IN 0..1 LOOP
    EXECUTE format($t$
      CREATE TABLE relay.archive_%1$s (
        n          bigint  PRIMARY KEY DEFAULT nextval('relay.archived'),
        session    bigint  NOT NULL,
        page       bigint,
        target     bytea   NOT NULL,
        session_id bytea   NOT NULL,
        user_id    bytea,
        entries    bytea   NOT NULL -- of the call, joined by commas
      );
      CREATE INDEX archive_%1$s_session ON relay.archive_%1$s (session);
      CREATE INDEX archive_%1$s_page ON relay.archive_%1$s (page) WHERE page IS NOT NULL;
      CREATE INDEX archive_%1$s_user ON relay.archive_%1$s (user_id) WHERE user_id IS NOT NULL;
    $t$, n);
  END LOOP;
END $$;
CREATE VIEW relay.archive AS SELECT 0 AS part, * FROM relay.archive_0 UNION ALL SELECT 1 AS part, * FROM relay.archive_1;

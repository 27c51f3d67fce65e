-- Version 3: what relays count for people who ask why, so that whichever is asked has the counts of all. No user id is in it.

ALTER TABLE relay.relays ADD counts boolean NOT NULL DEFAULT false; -- whether it writes here; one of an earlier version does not

CREATE TABLE relay.insight_counts ( -- each relay writes rows of its own, with what it has counted in all: again is no more
  relay  text    NOT NULL,
  unit   integer NOT NULL,          -- seconds: a minute or an hour
  start  bigint  NOT NULL,
  digest bytea   NOT NULL,          -- of the key, which may be longer than an index takes
  key    bytea   NOT NULL,
  count  bigint  NOT NULL,
  PRIMARY KEY (unit, start, relay, digest)
);

CREATE TABLE relay.insight_causes ( -- why something was not taken
  relay    text    NOT NULL,
  digest   bytea   NOT NULL,
  key      bytea   NOT NULL,
  trusted  boolean NOT NULL,
  times    bigint  NOT NULL,
  first_ms bigint  NOT NULL,
  last_ms  bigint  NOT NULL,
  PRIMARY KEY (relay, digest)
);
CREATE INDEX insight_causes_last ON relay.insight_causes (last_ms);

CREATE TABLE relay.insight_numbers ( -- numbers of beacons that left no record, on their way to the session's owner
  n       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  session bigint      NOT NULL,
  number  bigint      NOT NULL,
  browser text        NOT NULL,
  at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX insight_numbers_session ON relay.insight_numbers (session);

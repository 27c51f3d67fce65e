-- Version 2: other spools are moved into this one; whose buried events go first.

CREATE TABLE relay.moves (          -- how much of another spool is here, and its totals
  source text   NOT NULL,
  name   text   NOT NULL,
  count  bigint NOT NULL,
  PRIMARY KEY (source, name)
);

-- Who sent a buried event, as a keyed hash; 0: not known, and so of every event a relay of version 1 buries.
ALTER TABLE relay.buried ADD source bigint NOT NULL DEFAULT 0;

ALTER TABLE relay.relays ADD leaving boolean NOT NULL DEFAULT false; -- it ends, and takes no shards any more

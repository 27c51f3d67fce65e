-- Version 4: how much is buried is known without counting it. By triggers, so that relays of version 3 count as well.

CREATE TABLE relay.buried_sums (    -- what came and went, only added to, and folded now and then: no row is hot
  hour         bigint NOT NULL,     -- when it was buried
  records      bigint NOT NULL,
  bytes        bigint NOT NULL,
  oldest_at_ms bigint               -- of what came; NULL for what went
);

LOCK TABLE relay.buried IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO relay.buried_sums
SELECT buried_at_ms / 3600000 AS hour, count(*), sum(octet_length(body)), min(buried_at_ms) FROM relay.buried GROUP BY hour;

CREATE FUNCTION relay.sum_buried() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO relay.buried_sums
  SELECT buried_at_ms / 3600000 AS hour,
    CASE TG_OP WHEN 'INSERT' THEN count(*) ELSE -count(*) END,
    CASE TG_OP WHEN 'INSERT' THEN sum(octet_length(body)) ELSE -sum(octet_length(body)) END,
    CASE TG_OP WHEN 'INSERT' THEN min(buried_at_ms) END
  FROM changed GROUP BY hour;
  RETURN NULL;
END $$;
CREATE TRIGGER buried_came AFTER INSERT ON relay.buried REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION relay.sum_buried();
CREATE TRIGGER buried_went AFTER DELETE ON relay.buried REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION relay.sum_buried();

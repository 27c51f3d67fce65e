-- From version 1 to 2, beside what schema.sql says: what was without a checksum gets one. slot_of and crc_of are ours.
INSERT INTO flows
SELECT flow, crc_of(flow, CAST(operation AS BLOB), CAST(target AS BLOB)), operation, target FROM flows_1;

INSERT INTO flows_copy SELECT * FROM flows;

INSERT OR REPLACE INTO bindings
SELECT slot,
  crc_of(slot, CAST(site AS BLOB), CAST(session_id AS BLOB), CAST(user_id AS BLOB), CAST(target AS BLOB), expires_at_ms),
  site, session_id, user_id, target, expires_at_ms
FROM (SELECT slot_of(CAST(site AS BLOB), CAST(session_id AS BLOB)) AS slot, * FROM bindings_1);

DROP TABLE flows_1;
DROP TABLE bindings_1;

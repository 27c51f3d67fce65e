-- Numbers of beacons that left no record, for the owners of their sessions.
INSERT INTO relay.insight_numbers (session, number, browser) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[])

-- Tracking ids that have archived events.
SELECT DISTINCT target FROM relay.archive

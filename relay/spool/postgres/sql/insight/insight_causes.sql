-- Causes all relays but one have met: so many of the trusted and of the others, those met last first.
SELECT * FROM (
  SELECT *, row_number() OVER (PARTITION BY trusted ORDER BY last_ms DESC) AS place FROM (
    SELECT key, bool_or(trusted) AS trusted, sum(times)::bigint AS times, min(first_ms) AS first_ms, max(last_ms) AS last_ms
    FROM relay.insight_causes WHERE relay <> $1 GROUP BY key
  ) AS cause
) AS ranked WHERE place <= $2

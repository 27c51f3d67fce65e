-- Bytes of what is buried, by who sent it.
SELECT CASE source WHEN 0 THEN session ELSE source END AS who, sum(octet_length(body))::bigint AS bytes
FROM relay.buried GROUP BY who

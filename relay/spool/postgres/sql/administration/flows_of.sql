-- Numbers of a tracking id or dataset, by operation.
SELECT flow FROM relay.flows WHERE target = $1

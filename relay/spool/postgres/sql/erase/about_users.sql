-- What is to be put about users, waiting or buried: the user is in the body only.
SELECT record.seq, record.body, false AS buried
FROM relay.records AS record JOIN relay.flows USING (flow) WHERE operation = 'PutUsers'
UNION ALL
SELECT buried.seq, buried.body, true FROM relay.buried JOIN relay.flows USING (flow) WHERE operation = 'PutUsers'

-- Tracking ids that have events here.
SELECT target FROM relay.flows
WHERE operation = 'PutEvents' AND EXISTS (SELECT FROM relay.buried AS one WHERE one.flow = flows.flow)

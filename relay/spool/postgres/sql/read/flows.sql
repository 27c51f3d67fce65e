-- Every operation and target.
SELECT flow, operation, target FROM relay.flows

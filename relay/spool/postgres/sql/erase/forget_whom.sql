-- The id itself is not needed any more: every relay has been told, or had a minute.
UPDATE relay.erased SET whom = NULL
WHERE whom IS NOT NULL AND (n = $1 OR at < now() - interval '1 minute')

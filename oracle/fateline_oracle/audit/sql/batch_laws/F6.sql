-- A returned row is a batch that consumed its members but does not have the recorded number of outputs.
-- Asked of: batches
SELECT b.run, NULL AS token, b.node, 'batch ' || b.batch || ' records ' || b.outputs || ' outputs, and has '
    || (SELECT count(*) FROM outputs AS o WHERE o.run = b.run AND o.batch = b.batch) AS said
FROM trail_batches AS b
WHERE EXISTS (SELECT 1 FROM ends AS e WHERE e.run = b.run AND e.batch = b.batch AND e.fate = 'consumed_in_batch'
        AND e.fate_batch = b.batch)
    AND b.status IN ('completed', 'failed')
    AND b.outputs <> (SELECT count(*) FROM outputs AS o WHERE o.run = b.run AND o.batch = b.batch)
UNION ALL
SELECT b.run, NULL, b.node, 'batch ' || b.batch || ' consumed its members, and has no outputs'
FROM trail_batches AS b
WHERE EXISTS (SELECT 1 FROM ends AS e WHERE e.run = b.run AND e.batch = b.batch AND e.fate = 'consumed_in_batch'
        AND e.fate_batch = b.batch)
    AND b.status IN ('completed', 'failed')
    AND NOT EXISTS (SELECT 1 FROM outputs AS o WHERE o.run = b.run AND o.batch = b.batch)
UNION ALL
-- Asked of: members
SELECT e.run, e.token, NULL, 'is consumed in batch ' || e.fate_batch || ', which does not exist'
FROM ends AS e WHERE e.fate = 'consumed_in_batch'
    AND NOT EXISTS (SELECT 1 FROM trail_batches AS b WHERE b.run = e.run AND b.batch = e.fate_batch)

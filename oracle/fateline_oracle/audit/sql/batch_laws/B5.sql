-- A returned row is an output of a batch that is not a child of the batch's first member.
-- Asked of: outputs
SELECT o.run, o.token, NULL AS node, 'is an output of batch ' || o.batch || ', and its parent ' || o.parent || ' is member ' || e.ordinal AS said
FROM outputs AS o
JOIN ends AS e ON e.run = o.run AND e.batch = o.batch AND e.token = o.parent
WHERE e.ordinal <> 0

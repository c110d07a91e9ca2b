-- A returned row is a member of a batch that is no token of the batch's run.
-- Asked of: members
SELECT e.run, e.token, NULL AS node, 'is a member of batch ' || e.batch || ', and no token of its run' AS said
FROM ends AS e WHERE e.known = 0

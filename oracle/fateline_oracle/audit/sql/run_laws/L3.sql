-- A returned row is a token with a parent of another run.
-- Asked of: parents
SELECT s.run, s.child AS token, NULL AS node, 'has the parent ' || s.parent || ', which is of another run' AS said
FROM unresolved_parents AS s JOIN parent_rows AS k ON k.token = s.parent
WHERE NOT EXISTS (SELECT 1 FROM parent_rows AS own WHERE own.run = s.run AND own.token = s.parent)
GROUP BY s.run, s.child, s.parent

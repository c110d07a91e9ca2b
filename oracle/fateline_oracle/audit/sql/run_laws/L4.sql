-- A returned row is a token with a parent that does not exist.
-- Asked of: parents
SELECT s.run, s.child AS token, NULL AS node, 'has the parent ' || s.parent || ', which does not exist' AS said
FROM unresolved_parents AS s WHERE NOT EXISTS (SELECT 1 FROM parent_rows AS k WHERE k.token = s.parent)

-- A returned row is a token with a parent that there is not.
-- Asked of: parents
-- Needs: tokens, parents
SELECT s.run, s.child AS token, NULL AS node, 'has the parent ' || s.parent || ', which there is not' AS said
FROM strangers AS s WHERE NOT EXISTS (SELECT 1 FROM kin AS k WHERE k.token = s.parent)

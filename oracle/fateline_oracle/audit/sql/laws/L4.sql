-- A returned row is a token that is its own ancestor, or that was there before its parent.
-- Asked of: parents
-- Needs: parents
SELECT run, child AS token, NULL AS node, 'was there before its parent ' || parent AS said
FROM links WHERE parent_seq > seq
UNION ALL
SELECT t.run, t.token, NULL, 'descends from no root token: its lineage goes in a circle'
FROM trail_tokens AS t
WHERE EXISTS (SELECT 1 FROM links AS l WHERE l.run = t.run AND l.child = t.token AND l.parent_known IS NOT NULL)
    AND NOT EXISTS (SELECT 1 FROM descent AS d WHERE d.run = t.run AND d.token = t.token)

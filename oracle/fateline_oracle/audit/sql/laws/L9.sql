-- A returned row is a row with more than one root token.
-- Asked of: roots
SELECT run, max(token) AS token, NULL AS node, 'row ' || "row" || ' has ' || count(*) || ' root tokens' AS said
FROM trail_tokens WHERE group_kind IS NULL AND "group" IS NULL AND "row" IS NOT NULL
GROUP BY run, "row" HAVING count(*) > 1
UNION ALL
SELECT t.run, max(t.token), NULL, 'row ' || t."row" || ' has ' || count(*) || ' tokens that start at its source'
FROM trail_tokens AS t JOIN starts AS s ON s.run = t.run AND s.token = t.token
JOIN settings AS n ON n.run = s.run AND n.node = s.src AND n.kind = 'source'
GROUP BY t.run, t."row" HAVING count(DISTINCT t.token) > 1

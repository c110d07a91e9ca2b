-- A returned row is a row with more than one root token, of which nothing was cut off or is not finished.
-- Asked of: roots
SELECT d.run, d.token, NULL AS node, 'row ' || d."row" || ' has ' || d.roots || ' root tokens, and nothing in it was cut off' AS said
FROM (
    SELECT run, "row", max(token) AS token, count(*) AS roots
    FROM trail_tokens WHERE group_kind IS NULL AND "group" IS NULL AND "row" IS NOT NULL
    GROUP BY run, "row" HAVING count(*) > 1) AS d
WHERE NOT EXISTS (
    SELECT 1 FROM trail_tokens AS t LEFT JOIN fates AS f ON f.run = t.run AND f.token = t.token
    WHERE t.run = d.run AND t."row" = d."row" AND (f.token IS NULL OR EXISTS (
        SELECT 1 FROM trail_visits AS v
        WHERE v.run = t.run AND v.token = t.token AND v.status IN ('interrupted', 'open', 'held'))))
UNION ALL
SELECT d.run, d.token, NULL, 'row ' || d."row" || ' has ' || d.roots || ' tokens that start at its source, and nothing in it was cut off'
FROM (
    SELECT t.run, t."row", max(t.token) AS token, count(DISTINCT t.token) AS roots
    FROM trail_tokens AS t JOIN starts AS s ON s.run = t.run AND s.token = t.token
    JOIN settings AS n ON n.run = s.run AND n.node = s.src AND n.kind = 'source'
    GROUP BY t.run, t."row" HAVING count(DISTINCT t.token) > 1) AS d
WHERE NOT EXISTS (
    SELECT 1 FROM trail_tokens AS t LEFT JOIN fates AS f ON f.run = t.run AND f.token = t.token
    WHERE t.run = d.run AND t."row" = d."row" AND (f.token IS NULL OR EXISTS (
        SELECT 1 FROM trail_visits AS v
        WHERE v.run = t.run AND v.token = t.token AND v.status IN ('interrupted', 'open', 'held'))))

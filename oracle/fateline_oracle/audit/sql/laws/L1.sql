-- A returned row is a token that was made twice, or of a row that was never read.
-- Asked of: tokens
SELECT run, token, NULL AS node, 'is made ' || count(*) || ' times' AS said
FROM trail_tokens GROUP BY run, token HAVING count(*) > 1
UNION ALL
SELECT t.run, t.token, NULL, 'is of row ' || coalesce(t."row", 'none') || ', which was never read'
FROM trail_tokens AS t
WHERE t.group_kind IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM trail_rows AS w WHERE w.run = t.run AND w."row" = t."row")

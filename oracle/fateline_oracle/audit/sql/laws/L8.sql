-- A returned row is a root token of a row that was never read.
-- Asked of: roots
SELECT t.run, t.token, NULL AS node, 'is a root token of row ' || coalesce(t."row", 'none') || ', which was never read' AS said
FROM trail_tokens AS t
WHERE t.group_kind IS NULL
    AND NOT EXISTS (SELECT 1 FROM trail_rows AS w WHERE w.run = t.run AND w."row" = t."row")
UNION ALL
SELECT t.run, t.token, NULL, 'is a root token of row ' || t."row" || ', which was read after it was made'
FROM trail_tokens AS t JOIN trail_rows AS w ON w.run = t.run AND w."row" = t."row"
WHERE t.group_kind IS NULL AND w.seq > t.seq

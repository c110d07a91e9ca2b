-- A returned row is a token with a group and no parent, a parent and no group, or half a group.
-- Asked of: tokens
SELECT t.run, t.token, NULL AS node,
    CASE WHEN t.group_kind IS NULL AND t."group" IS NULL THEN 'has a parent and no group'
        WHEN t.group_kind IS NULL OR t."group" IS NULL THEN 'has half a group'
        ELSE 'has a group and no parent' END AS said
FROM trail_tokens AS t
LEFT JOIN (SELECT DISTINCT run, child FROM trail_parents) AS p ON p.run = t.run AND p.child = t.token
WHERE (t.group_kind IS NULL) <> (t."group" IS NULL) OR (t."group" IS NULL) <> (p.child IS NULL)

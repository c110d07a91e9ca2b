-- A returned row is an expanded token that does not have the number of children that it promised, or has no children.
-- Asked of: expansions
-- Needs: outcomes, tokens, parents
SELECT f.run, f.token, NULL AS node,
    'promises ' || coalesce(f.promised, 'no') || ' children, and has ' || count(l.child) AS said
FROM fates AS f
LEFT JOIN links AS l ON l.run = f.run AND l.parent = f.token AND l.group_kind = 'expand'
WHERE f.outcome = 'expanded'
GROUP BY f.run, f.token, f.promised, f."group"
HAVING count(l.child) <> CAST(f.promised AS INTEGER) OR count(l.child) = 0
    OR count(DISTINCT l.ordinal) <> count(l.child)
    OR sum(CASE WHEN l."group" IS DISTINCT FROM f."group" THEN 1 ELSE 0 END) > 0
UNION ALL
SELECT l.run, l.child, NULL, 'is made by an expansion of ' || l.parent || ', whose fate is '
    || coalesce(f.outcome, 'not recorded')
FROM links AS l LEFT JOIN fates AS f ON f.run = l.run AND f.token = l.parent
WHERE l.group_kind = 'expand' AND l.parent_known IS NOT NULL AND f.outcome IS DISTINCT FROM 'expanded'

-- A returned row is an expanded token that does not have the number of children that it promised, or has no children.
-- Asked of: expanded
SELECT f.run, f.token, NULL AS node, 'promises ' || f.promised || ' children, and has ' || count(l.child) AS said
FROM fates AS f
LEFT JOIN links AS l ON l.run = f.run AND l.parent = f.token AND l.group_kind = 'expand'
WHERE f.outcome = 'expanded'
GROUP BY f.run, f.token, f.promised
HAVING count(l.child) <> CAST(f.promised AS INTEGER)
UNION ALL
SELECT f.run, f.token, NULL, 'is expanded, and has no children'
FROM fates AS f
WHERE f.outcome = 'expanded'
    AND NOT EXISTS (SELECT 1 FROM links AS l WHERE l.run = f.run AND l.parent = f.token AND l.group_kind = 'expand')
UNION ALL
SELECT f.run, f.token, NULL, 'has two children in one place of its expansion'
FROM fates AS f
JOIN links AS l ON l.run = f.run AND l.parent = f.token AND l.group_kind = 'expand'
WHERE f.outcome = 'expanded'
GROUP BY f.run, f.token HAVING count(DISTINCT l.ordinal) <> count(l.ordinal)
UNION ALL
SELECT f.run, f.token, NULL, 'is expanded as ' || f."group" || ', and its child ' || l.child || ' is of ' || l."group"
FROM fates AS f
JOIN links AS l ON l.run = f.run AND l.parent = f.token AND l.group_kind = 'expand'
WHERE f.outcome = 'expanded' AND l."group" <> f."group"
UNION ALL
-- Asked of: expansions
SELECT l.run, l.child, NULL, 'is made by an expansion of ' || l.parent || ', whose fate is '
    || coalesce(f.outcome, 'not recorded')
FROM links AS l LEFT JOIN fates AS f ON f.run = l.run AND f.token = l.parent
WHERE l.group_kind = 'expand' AND l.parent_known IS NOT NULL AND f.outcome IS DISTINCT FROM 'expanded'

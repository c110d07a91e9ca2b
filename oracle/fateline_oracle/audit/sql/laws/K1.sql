-- A returned row is a forked token whose children are not the branches that it promised, each once, in one group.
-- Asked of: forked
SELECT f.run, f.token, NULL AS node,
    'promises the branches ' || f.promised || ', and has ' || coalesce(group_concat(l.branch, ','), 'none') AS said
FROM fates AS f
LEFT JOIN links AS l ON l.run = f.run AND l.parent = f.token AND l.group_kind = 'fork'
WHERE f.outcome = 'forked'
GROUP BY f.run, f.token, f.promised
HAVING count(l.child) <> length(f.promised) - length(replace(f.promised, ',', '')) + 1
    OR sum(CASE WHEN instr(',' || f.promised || ',', ',' || l.branch || ',') = 0 THEN 1 ELSE 0 END) > 0
UNION ALL
SELECT f.run, f.token, NULL, 'is forked, and has ' || count(l.child) || ' children on ' || count(DISTINCT l.branch) || ' branches'
FROM fates AS f
LEFT JOIN links AS l ON l.run = f.run AND l.parent = f.token AND l.group_kind = 'fork'
WHERE f.outcome = 'forked'
GROUP BY f.run, f.token
HAVING count(l.child) = 0 OR count(DISTINCT l.branch) <> count(l.child)
UNION ALL
SELECT f.run, f.token, NULL, 'is forked as ' || f."group" || ', and its child ' || l.child || ' is of ' || l."group"
FROM fates AS f
JOIN links AS l ON l.run = f.run AND l.parent = f.token AND l.group_kind = 'fork'
WHERE f.outcome = 'forked' AND l."group" <> f."group"
UNION ALL
-- Asked of: forks
-- May lack: tokens.branch
SELECT l.run, l.child, NULL, 'is on branch ' || coalesce(l.branch, 'none') || ' of ' || l.parent || ', whose fate is '
    || coalesce(f.outcome, 'not recorded')
FROM links AS l LEFT JOIN fates AS f ON f.run = l.run AND f.token = l.parent
WHERE l.group_kind = 'fork' AND l.parent_known IS NOT NULL AND f.outcome IS DISTINCT FROM 'forked'
UNION ALL
-- Asked of: tokens
SELECT run, token, NULL, 'is on branch ' || branch || ', and no fork made it'
FROM trail_tokens WHERE branch IS NOT NULL AND coalesce(group_kind, 'none') NOT IN ('fork', 'expand')

-- A returned row is a forked token whose children are not the branches that it promised, each once, in one group.
-- Asked of: forks
-- Needs: outcomes, tokens, parents
SELECT f.run, f.token, NULL AS node,
    'promises the branches ' || coalesce(f.promised, 'none') || ', and has '
        || coalesce(group_concat(l.branch, ','), 'none') AS said
FROM fates AS f
LEFT JOIN links AS l ON l.run = f.run AND l.parent = f.token AND l.group_kind = 'fork'
WHERE f.outcome = 'forked'
GROUP BY f.run, f.token, f.promised, f."group"
HAVING count(l.child) <> length(f.promised) - length(replace(f.promised, ',', '')) + 1
    OR count(DISTINCT l.branch) <> count(l.child)
    OR sum(CASE WHEN instr(',' || f.promised || ',', ',' || l.branch || ',') = 0 THEN 1 ELSE 0 END) > 0
    OR sum(CASE WHEN l."group" IS DISTINCT FROM f."group" THEN 1 ELSE 0 END) > 0
UNION ALL
SELECT l.run, l.child, NULL, 'is on branch ' || coalesce(l.branch, 'none') || ' of ' || l.parent || ', whose fate is '
    || coalesce(f.outcome, 'not recorded')
FROM links AS l LEFT JOIN fates AS f ON f.run = l.run AND f.token = l.parent
WHERE l.group_kind = 'fork' AND l.parent_known IS NOT NULL AND f.outcome IS DISTINCT FROM 'forked'
UNION ALL
SELECT run, token, NULL, 'is on branch ' || branch || ', and no fork made it'
FROM trail_tokens WHERE branch IS NOT NULL AND group_kind IS DISTINCT FROM 'fork'

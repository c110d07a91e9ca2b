-- A returned row is a merged token whose parents are not the tokens coalesced into it, or not distinct branches of one fork.
-- Asked of: joins
SELECT t.run, t.token, NULL AS node,
    'has ' || count(l.parent) || ' parents, of which ' || count(f.token) || ' are coalesced into it' AS said
FROM trail_tokens AS t
LEFT JOIN trail_parents AS l ON l.run = t.run AND l.child = t.token
LEFT JOIN fates AS f ON f.run = l.run AND f.token = l.parent AND f.outcome = 'coalesced' AND f."group" = t."group"
WHERE t.group_kind = 'join'
GROUP BY t.run, t.token HAVING count(l.parent) = 0 OR count(f.token) <> count(l.parent)
UNION ALL
SELECT l.run, l.child, NULL, 'has a parent twice' FROM links AS l WHERE l.group_kind = 'join'
GROUP BY l.run, l.child HAVING count(DISTINCT l.parent) <> count(*)
UNION ALL
SELECT l.run, l.child, NULL, 'has ' || count(*) || ' parents, and two of them are on one branch of one fork'
FROM links AS l WHERE l.group_kind = 'join' AND l.parent_kind = 'fork'
GROUP BY l.run, l.child, l.parent_group HAVING count(DISTINCT l.parent_branch) <> count(*)
UNION ALL
SELECT l.run, l.child, NULL, 'has parents on ' || count(DISTINCT d.branch) || ' branches of ' || count(DISTINCT d.fork_group)
    || ' forks, and ' || count(*) || ' parents'
FROM links AS l LEFT JOIN debts AS d ON d.run = l.run AND d.token = l.parent
WHERE l.group_kind = 'join'
GROUP BY l.run, l.child
HAVING count(DISTINCT d.branch) <> count(*) OR count(DISTINCT d.fork_group) <> 1
UNION ALL
-- Asked of: coalesced
SELECT f.run, f.token, NULL, 'is coalesced into ' || coalesce(f."group", 'nothing') || ', which has no such parent'
FROM fates AS f LEFT JOIN links AS l ON l.run = f.run AND l.parent = f.token AND l."group" = f."group"
WHERE f.outcome = 'coalesced' AND l.child IS NULL

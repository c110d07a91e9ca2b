-- A returned row is a merged token whose parents are not in the declared order of their branches.
-- Asked of: joins
SELECT run, child AS token, NULL AS node,
    'has parents that are not in declared order, ' || parent || ' among them' AS said
FROM (
    SELECT l.run, l.child, l.parent, k.position,
        lag(k.position) OVER (PARTITION BY l.run, l.child ORDER BY l.ordinal) AS before
    FROM links AS l JOIN debts AS d ON d.run = l.run AND d.token = l.parent
    JOIN branches AS k ON k.run = d.run AND k.node = d.coalesce AND k.branch = d.branch
    WHERE l.group_kind = 'join'
) AS l
WHERE before > position

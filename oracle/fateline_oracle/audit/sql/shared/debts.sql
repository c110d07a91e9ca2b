-- debts: what a token owes by its lineage: coalesces, branches and fork groups, outermost first, each after a separator;
-- and the coalesce, branch and fork group of the innermost. A token that owes nothing has no row. A fork whose coalesce does
-- not lead on to the one that its token owes has lost that debt.
-- Of the rows. Key: run, token; run, fork_group, coalesce
WITH RECURSIVE
made(run, token, parent, kind, fork_group, branch, coalesce) AS (
    SELECT l.run, l.child, l.parent, l.group_kind, l."group", l.branch, j.coalesce
    FROM links AS l
    LEFT JOIN starts AS s ON l.group_kind = 'fork' AND s.run = l.run AND s.token = l.child
    LEFT JOIN joined AS j ON j.run = s.run AND j.gate = s.src AND j.branch = l.branch
    WHERE l.group_kind IN ('fork', 'expand', 'batch') AND l.parent_known IS NOT NULL
    UNION ALL
    SELECT run, child, min(parent), 'join', NULL, NULL, NULL FROM links
    WHERE group_kind = 'join' AND parent_known IS NOT NULL GROUP BY run, child
),
owed(run, token, coalesces, branches, groups) AS (
    SELECT run, token, '', '', '' FROM trail_tokens WHERE group_kind IS NULL
    UNION
    SELECT m.run, m.token,
        CASE WHEN m.kind = 'join' THEN rtrim(rtrim(o.coalesces, replace(o.coalesces, '>', '')), '>')
            WHEN m.kind = 'fork' AND m.coalesce IS NULL THEN ''
            ELSE CASE WHEN m.kind = 'fork' AND i.src IS NULL THEN '' ELSE o.coalesces END || coalesce('>' || m.coalesce, '') END,
        CASE WHEN m.kind = 'join' THEN rtrim(rtrim(o.branches, replace(o.branches, '>', '')), '>')
            WHEN m.kind = 'fork' AND m.coalesce IS NULL THEN ''
            ELSE CASE WHEN m.kind = 'fork' AND i.src IS NULL THEN '' ELSE o.branches END
                || CASE WHEN m.coalesce IS NULL THEN '' ELSE '>' || m.branch END END,
        CASE WHEN m.kind = 'join' THEN rtrim(rtrim(o.groups, replace(o.groups, char(31), '')), char(31))
            WHEN m.kind = 'fork' AND m.coalesce IS NULL THEN ''
            ELSE CASE WHEN m.kind = 'fork' AND i.src IS NULL THEN '' ELSE o.groups END
                || CASE WHEN m.coalesce IS NULL THEN '' ELSE char(31) || m.fork_group END END
    FROM owed AS o JOIN made AS m ON m.run = o.run AND m.parent = o.token
    LEFT JOIN onward AS i ON i.run = o.run AND i.src = m.coalesce
        AND i.dst = substr(o.coalesces, length(rtrim(o.coalesces, replace(o.coalesces, '>', ''))) + 1)
    WHERE length(o.groups) < 4000
)
SELECT run, token, coalesces, branches, groups,
    substr(coalesces, length(rtrim(coalesces, replace(coalesces, '>', ''))) + 1) AS coalesce,
    substr(branches, length(rtrim(branches, replace(branches, '>', ''))) + 1) AS branch,
    substr(groups, length(rtrim(groups, replace(groups, char(31), ''))) + 1) AS fork_group
FROM owed WHERE coalesces <> ''

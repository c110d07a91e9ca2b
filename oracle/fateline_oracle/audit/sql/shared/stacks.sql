-- stacks: what is owed at a node, by the graph alone: coalesces and branches, outermost first, each after a '>'. If the
-- owed coalesce can no longer be reached, nothing is owed; behind a fork, if it cannot be reached from the inner coalesce.
-- Of the graph. Key: run, node
WITH RECURSIVE stood(run, node, coalesces, branches, depth) AS (
    SELECT run, node, '', '', 0 FROM trail_nodes WHERE kind = 'source'
    UNION
    SELECT e.run, e.dst,
        CASE WHEN o.src IS NULL OR (j.coalesce IS NOT NULL AND i.src IS NULL) THEN ''
            WHEN n.kind = 'coalesce' THEN rtrim(rtrim(s.coalesces, replace(s.coalesces, '>', '')), '>')
            ELSE s.coalesces END || coalesce('>' || j.coalesce, ''),
        CASE WHEN o.src IS NULL OR (j.coalesce IS NOT NULL AND i.src IS NULL) THEN ''
            WHEN n.kind = 'coalesce' THEN rtrim(rtrim(s.branches, replace(s.branches, '>', '')), '>')
            ELSE s.branches END || CASE WHEN j.coalesce IS NULL THEN '' ELSE '>' || e.label END,
        s.depth + 1
    FROM stood AS s JOIN trail_edges AS e ON e.run = s.run AND e.src = s.node
    JOIN trail_nodes AS n ON n.run = s.run AND n.node = s.node
    LEFT JOIN joined AS j ON j.run = e.run AND j.gate = e.src AND j.branch = e.label
    LEFT JOIN onward AS o ON o.run = s.run AND o.src = s.node
        AND o.dst = substr(s.coalesces, length(rtrim(s.coalesces, replace(s.coalesces, '>', ''))) + 1)
    LEFT JOIN onward AS i ON i.run = s.run AND i.src = j.coalesce AND i.dst = o.dst
    WHERE s.depth < 60
)
SELECT DISTINCT s.run, s.node,
    CASE WHEN o.src IS NULL THEN '' ELSE s.coalesces END AS coalesces,
    CASE WHEN o.src IS NULL THEN '' ELSE s.branches END AS branches
FROM stood AS s JOIN trail_nodes AS n ON n.run = s.run AND n.node = s.node
LEFT JOIN onward AS o ON o.run = s.run AND o.src = s.node
    AND o.dst = substr(s.coalesces, length(rtrim(s.coalesces, replace(s.coalesces, '>', ''))) + 1)
WHERE n.kind <> 'sink'

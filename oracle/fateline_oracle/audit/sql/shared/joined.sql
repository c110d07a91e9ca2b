-- joined: which branch of which fork is owed to which coalesce. A coalesce joins branches of one gate. From a branch's edge
-- the graph is walked, an inner fork deeper and an inner coalesce back, until the coalesce at the branch's own depth.
-- Of the graph. Key: run, gate, branch
WITH RECURSIVE
offered(run, gate, branch, dst) AS (
    SELECT DISTINCT e.run, e.src, e.label, e.dst
    FROM trail_edges AS e JOIN branches AS b ON b.run = e.run AND b.branch = e.label
    JOIN settings AS g ON g.run = e.run AND g.node = e.src AND g.kind = 'gate'
    WHERE b."of" = (
        SELECT count(*) FROM branches AS every
        JOIN trail_edges AS own ON own.run = every.run AND own.src = e.src AND own.label = every.branch
        WHERE every.run = b.run AND every.node = b.node
    )
),
walk(run, gate, branch, node, depth) AS (
    SELECT run, gate, branch, dst, 0 FROM offered
    UNION
    SELECT w.run, w.gate, w.branch, e.dst,
        w.depth + CASE WHEN inner_fork.gate IS NULL THEN 0 ELSE 1 END - CASE WHEN n.kind = 'coalesce' THEN 1 ELSE 0 END
    FROM walk AS w JOIN settings AS n ON n.run = w.run AND n.node = w.node
    JOIN trail_edges AS e ON e.run = w.run AND e.src = w.node
    LEFT JOIN offered AS inner_fork
        ON inner_fork.run = e.run AND inner_fork.gate = e.src AND inner_fork.branch = e.label
    WHERE NOT (n.kind = 'coalesce' AND w.depth = 0) AND w.depth BETWEEN 0 AND 30
)
SELECT DISTINCT w.run, w.gate, w.branch, w.node AS coalesce
FROM walk AS w JOIN branches AS b ON b.run = w.run AND b.node = w.node AND b.branch = w.branch
WHERE w.depth = 0

-- onward: which node can be reached from which, itself included.
-- Of the graph. Key: run, src, dst
WITH RECURSIVE reached(run, src, dst) AS (
    SELECT run, node, node FROM trail_nodes
    UNION
    SELECT o.run, o.src, e.dst FROM reached AS o JOIN trail_edges AS e ON e.run = o.run AND e.src = o.dst
)
SELECT run, src, dst FROM reached

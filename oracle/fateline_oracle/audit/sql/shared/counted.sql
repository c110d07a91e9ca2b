-- counted: each barrier with its settings, and how many branches had arrived and were lost; `timed`: by its deadline or a flush.
-- Of the rows. Key: run, node
SELECT x.run, x.node, x.fork_group, x.verdict, x.reason, x."trigger", x.result, s.policy, s.quorum, s.n, s.merge, s.collisions,
    s.select_branch, x.arrived AS branches,
    CASE WHEN x."trigger" IN ('deadline', 'flush') THEN 1 WHEN x."trigger" IS NOT NULL THEN 0 END AS timed,
    CASE WHEN x.arrived = '' THEN 0 ELSE length(x.arrived) - length(replace(x.arrived, ',', '')) + 1 END AS arrived,
    CASE WHEN x.lost = '' THEN 0 ELSE length(x.lost) - length(replace(x.lost, ',', '')) + 1 END AS lost
FROM trail_barriers AS x JOIN settings AS s ON s.run = x.run AND s.node = x.node

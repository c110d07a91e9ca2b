-- A returned row is a barrier whose verdict or reason does not match its policy.
-- Asked of: barriers
-- Needs: barriers, nodes
SELECT run, result AS token, node, 'the barrier of fork ' || coalesce(fork_group, 'none') || ' (' || policy || ', '
    || arrived || ' of ' || n || ' arrived, ' || lost || ' lost) is ' || verdict
    || coalesce(' for ' || reason, '') || coalesce(' by ' || "trigger", '') AS said
FROM (
    SELECT b.*, CASE policy
        WHEN 'require_all' THEN arrived = n
        WHEN 'quorum' THEN arrived = quorum
        WHEN 'first' THEN arrived = 1
        WHEN 'best_effort' THEN arrived >= 1 AND (timed IS DISTINCT FROM 0 OR arrived + lost = n) END AS enough
    FROM (
        SELECT x.run, x.node, x.fork_group, x.verdict, x.reason, x."trigger", x.result, s.policy, s.quorum,
            CASE WHEN x."trigger" IN ('deadline', 'flush') THEN 1 WHEN x."trigger" IS NULL THEN NULL ELSE 0 END AS timed,
            s.n,
            CASE WHEN x.arrived = '' THEN 0 ELSE length(x.arrived) - length(replace(x.arrived, ',', '')) + 1 END AS arrived,
            CASE WHEN x.lost = '' THEN 0 ELSE length(x.lost) - length(replace(x.lost, ',', '')) + 1 END AS lost
        FROM trail_barriers AS x JOIN settings AS s ON s.run = x.run AND s.node = x.node
    ) AS b
) AS b
WHERE (verdict = 'merged' AND NOT enough)
    OR (verdict = 'merged' AND reason IS NOT NULL)
    OR (verdict = 'failed' AND enough
        AND coalesce(reason, '') NOT IN ('select_branch_not_arrived', 'contract_conflict', 'union_collision'))
    OR (reason IN ('select_branch_not_arrived', 'contract_conflict', 'union_collision') AND NOT enough)
    OR (verdict = 'failed' AND "trigger" IS NOT NULL
        AND reason NOT IN ('select_branch_not_arrived', 'contract_conflict', 'union_collision')
        AND reason <> CASE
            WHEN policy = 'require_all' AND timed = 0 THEN 'branch_lost'
            WHEN policy = 'require_all' THEN 'incomplete_branches'
            WHEN policy = 'quorum' AND timed = 0 THEN 'quorum_impossible'
            WHEN policy = 'quorum' THEN 'quorum_not_met'
            WHEN timed = 0 THEN 'all_branches_lost' ELSE 'no_arrivals' END)
    OR (verdict = 'failed' AND reason IS NULL)
    OR coalesce(verdict, '') NOT IN ('merged', 'failed')

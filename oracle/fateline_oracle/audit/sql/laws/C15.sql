-- A returned row is a failed barrier, or a token that was held there, with another reason than the policy gives.
-- Asked of: failed barriers
-- May lack: barriers.result, barriers.fork_group, barriers.arrived, settings.n
SELECT run, result AS token, node, 'the barrier of fork ' || coalesce(fork_group, 'none') || ' (' || policy || ', ' || arrived || ' of ' || n
    || ' arrived) is failed for ' || reason || ' by ' || "trigger" AS said
FROM counted
WHERE verdict = 'failed' AND reason NOT IN ('select_branch_not_arrived', 'contract_conflict', 'union_collision', 'merged_row_too_large')
    AND reason <> CASE
    WHEN policy = 'require_all' AND timed = 0 THEN 'branch_lost'
    WHEN policy = 'require_all' THEN 'incomplete_branches'
    WHEN policy = 'quorum' AND timed = 0 THEN 'quorum_impossible'
    WHEN policy = 'quorum' THEN 'quorum_not_met'
    WHEN timed = 0 THEN 'all_branches_lost' ELSE 'no_arrivals' END
UNION ALL
SELECT run, token, node, 'was held at ' || node || ' when its barrier failed for ' || barrier_reason || ', and fails for ' || reason
FROM held WHERE reason <> barrier_reason

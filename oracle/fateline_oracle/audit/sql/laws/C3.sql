-- A returned row is a barrier whose verdict or reason does not match its policy.
-- Asked of: barriers
-- May lack: barriers.result, barriers.fork_group
SELECT run, result AS token, node, 'the barrier of fork ' || coalesce(fork_group, 'none') || ' (' || policy || ', ' || arrived || ' of ' || n || ' arrived' || ') is merged' AS said
FROM counted
WHERE verdict = 'merged' AND policy IN ('require_all', 'quorum', 'first') AND NOT CASE policy WHEN 'require_all' THEN arrived = n WHEN 'quorum' THEN arrived = quorum WHEN 'first' THEN arrived = 1 END
UNION ALL
-- May lack: barriers.result, barriers.fork_group
SELECT run, result, node, 'the barrier of fork ' || coalesce(fork_group, 'none') || ' (' || policy || ', ' || arrived || ' of ' || n || ' arrived' || ', ' || lost || ' lost) is merged'
FROM counted
WHERE verdict = 'merged' AND policy = 'best_effort' AND NOT (arrived >= 1 AND (timed = 1 OR arrived + lost = n))
UNION ALL
-- Asked of: failed barriers
-- May lack: barriers.result, barriers.fork_group
SELECT run, result, node, 'the barrier of fork ' || coalesce(fork_group, 'none') || ' (' || policy || ', ' || arrived || ' of ' || n || ' arrived' || ') is failed for ' || reason
FROM counted
WHERE verdict = 'failed' AND policy IN ('require_all', 'quorum', 'first') AND CASE policy WHEN 'require_all' THEN arrived = n WHEN 'quorum' THEN arrived = quorum WHEN 'first' THEN arrived = 1 END
    AND reason NOT IN ('select_branch_not_arrived', 'contract_conflict', 'union_collision', 'merged_row_too_large')
UNION ALL
-- Asked of: failed barriers
-- May lack: barriers.result, barriers.fork_group
SELECT run, result, node, 'the barrier of fork ' || coalesce(fork_group, 'none') || ' (' || policy || ', ' || arrived || ' of ' || n || ' arrived' || ', ' || lost || ' lost) is failed for ' || reason
FROM counted
WHERE verdict = 'failed' AND policy = 'best_effort' AND (arrived >= 1 AND (timed = 1 OR arrived + lost = n)) AND reason NOT IN ('select_branch_not_arrived', 'contract_conflict', 'union_collision', 'merged_row_too_large')
UNION ALL
-- Asked of: failed barriers
-- May lack: barriers.result, barriers.fork_group
SELECT run, result, node, 'the barrier of fork ' || coalesce(fork_group, 'none') || ' (' || policy || ', ' || arrived || ' of ' || n || ' arrived' || ') cannot merge (' || reason || '), and it had no reason to merge'
FROM counted
WHERE policy IN ('require_all', 'quorum', 'first') AND reason IN ('select_branch_not_arrived', 'contract_conflict', 'union_collision', 'merged_row_too_large') AND NOT CASE policy WHEN 'require_all' THEN arrived = n WHEN 'quorum' THEN arrived = quorum WHEN 'first' THEN arrived = 1 END
UNION ALL
-- Asked of: failed barriers
-- May lack: barriers.result, barriers.fork_group
SELECT run, result, node, 'the barrier of fork ' || coalesce(fork_group, 'none') || ' fails for ' || reason || ' with merge ' || merge
    || ', and branches ' || branches || ' arrived'
FROM counted
WHERE (reason = 'union_collision' AND (merge <> 'union' OR collisions <> 'fail' OR arrived < 2))
    OR (reason = 'contract_conflict' AND (merge <> 'union' OR arrived < 2))
    OR (reason = 'select_branch_not_arrived' AND (merge <> 'select' OR instr(',' || branches || ',', ',' || select_branch || ',') > 0))
UNION ALL
-- May lack: barriers.result, barriers.fork_group
SELECT run, result, node, 'the barrier of fork ' || coalesce(fork_group, 'none') || ' is ' || coalesce(verdict, 'of no verdict')
    || coalesce(' for ' || reason, ' for no reason')
FROM trail_barriers
WHERE (verdict = 'merged' AND reason IS NOT NULL) OR (verdict = 'failed' AND reason IS NULL)
    OR coalesce(verdict, '') NOT IN ('merged', 'failed')

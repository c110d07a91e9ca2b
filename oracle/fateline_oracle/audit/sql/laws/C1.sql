-- A returned row is a barrier that was resolved more than once.
-- Asked of: barriers
-- May lack: barriers.result
SELECT run, max(result) AS token, node,
    'the barrier of fork ' || fork_group || ' at ' || node || ' is resolved ' || count(*) || ' times' AS said
FROM trail_barriers WHERE fork_group IS NOT NULL GROUP BY run, node, fork_group HAVING count(*) > 1

-- A returned row is a barrier that its deadline resolved too early, or that does not count from its first event.
-- Asked of: barriers
-- May lack: barriers.result, barriers.fork_group
SELECT b.run, b.result AS token, b.node, 'the barrier of fork ' || coalesce(b.fork_group, 'none')
    || ' was resolved by its deadline after ' || (b.decided_at - b.first_at) || ' ms of ' || coalesce(s.timeout, 'no')
    || ' s' AS said
FROM trail_barriers AS b JOIN settings AS s ON s.run = b.run AND s.node = b.node
WHERE b."trigger" = 'deadline' AND (s.timeout IS NULL OR b.decided_at - b.first_at < 1000 * s.timeout)
UNION ALL
-- May lack: barriers.result, barriers.fork_group
SELECT b.run, b.result, b.node, 'the barrier of fork ' || coalesce(b.fork_group, 'none') || ' was resolved at ' || b.decided_at
    || ', before its first event at ' || b.first_at
FROM trail_barriers AS b WHERE b.decided_at < b.first_at
UNION ALL
-- May lack: barriers.result
SELECT b.run, b.result, b.node, 'the barrier of fork ' || b.fork_group || ' was resolved at ' || b.decided_at
    || ', and the record of it is of ' || b.at
FROM trail_barriers AS b WHERE b.decided_at <> b.at
UNION ALL
-- May lack: barriers.result
SELECT b.run, b.result, b.node, 'the barrier of fork ' || b.fork_group || ' had its first event at ' || b.first_at
    || ', before its branches were made at ' || t.at
FROM trail_barriers AS b JOIN trail_tokens AS t ON t.run = b.run AND t."group" = b.fork_group AND t.group_kind = 'fork'
WHERE b.first_at < t.at

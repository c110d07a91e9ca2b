-- A returned row is a barrier that its deadline resolved too early, or that does not count from its first event.
-- Asked of: barriers
-- Needs: barriers.first_at, barriers.decided_at
SELECT b.run, b.result AS token, b.node, 'the barrier of fork ' || coalesce(b.fork_group, 'none')
    || ' was resolved by its deadline after ' || (b.decided_at - b.first_at) || ' ms of ' || coalesce(s.timeout, 'no')
    || ' s' AS said
FROM trail_barriers AS b JOIN settings AS s ON s.run = b.run AND s.node = b.node
WHERE b."trigger" = 'deadline' AND (s.timeout IS NULL OR b.decided_at - b.first_at < 1000 * s.timeout)

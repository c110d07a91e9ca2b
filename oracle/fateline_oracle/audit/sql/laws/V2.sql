-- A returned row is a token with an attempt at a node after one that was not closed, or that was completed.
-- Asked of: visits
SELECT run, token, node, 'has ' || count(*) || ' visits of ' || node || ' that are not failed (' || group_concat(status, ', ') || ')' AS said
FROM trail_visits WHERE status IN ('completed', 'open', 'held')
GROUP BY run, token, node HAVING count(*) > 1
UNION ALL
SELECT v.run, v.token, v.node, 'has attempt ' || next.attempt || ' at ' || v.node || ' after attempt ' || v.attempt || ', which is ' || v.status
FROM trail_visits AS v JOIN trail_visits AS next
    ON next.run = v.run AND next.token = v.token AND next.node = v.node AND next.attempt > v.attempt
WHERE v.status IN ('completed', 'open', 'held')

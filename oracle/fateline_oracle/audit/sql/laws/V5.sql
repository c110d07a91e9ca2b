-- A returned row is a token whose attempts at a node have a gap, or that was cut off in one and was not tried again.
-- Asked of: visits
SELECT run, token, node, 'has ' || count(*) || ' attempts at ' || node || ', numbered ' || group_concat(attempt, ', ') AS said
FROM trail_visits GROUP BY run, token, node
HAVING min(attempt) <> 0 OR max(attempt) <> count(*) - 1 OR count(DISTINCT attempt) <> count(attempt) OR count(attempt) < count(*)
UNION ALL
SELECT v.run, v.token, v.node, 'was interrupted on attempt ' || v.attempt || ' at ' || v.node || ', is '
    || f.outcome || ', and no attempt followed'
FROM trail_visits AS v JOIN fates AS f ON f.run = v.run AND f.token = v.token
WHERE v.status = 'interrupted' AND NOT EXISTS (
    SELECT 1 FROM trail_visits AS next
    WHERE next.run = v.run AND next.token = v.token AND next.node = v.node AND next.attempt > v.attempt)

-- A returned row is a token whose attempts at a node have a gap, or completed an attempt that is not the last.
-- Asked of: visits
-- Needs: visits.attempt
SELECT run, token, node, 'has ' || count(*) || ' attempts at ' || node || ', numbered '
    || coalesce(group_concat(attempt, ', '), 'not at all') || ' (' || group_concat(status, ', ') || ')' AS said
FROM trail_visits GROUP BY run, token, node
HAVING count(attempt) < count(*) OR min(attempt) <> 0 OR max(attempt) <> count(*) - 1 OR count(DISTINCT attempt) <> count(attempt)
    OR max(CASE WHEN status IN ('completed', 'open', 'held') THEN attempt ELSE 0 END) < max(attempt)
        * max(CASE WHEN status IN ('completed', 'open', 'held') THEN 1 ELSE 0 END)
    OR sum(CASE WHEN status IN ('completed', 'open', 'held') THEN 1 ELSE 0 END) > 1
UNION ALL
SELECT v.run, v.token, v.node, 'was interrupted on attempt ' || v.attempt || ' at ' || v.node || ', is '
    || f.outcome || ', and no attempt followed'
FROM trail_visits AS v JOIN fates AS f ON f.run = v.run AND f.token = v.token
WHERE v.status = 'interrupted' AND NOT EXISTS (
    SELECT 1 FROM trail_visits AS next
    WHERE next.run = v.run AND next.token = v.token AND next.node = v.node AND next.attempt > v.attempt)

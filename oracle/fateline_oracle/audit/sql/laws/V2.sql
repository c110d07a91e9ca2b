-- A returned row is a token whose attempts at a node have a gap, or of which one but the last was completed.
-- Asked of: visits
-- Needs: visits.attempt
SELECT run, token, node, 'has ' || count(*) || ' attempts at ' || node || ', numbered '
    || group_concat(attempt, ', ') || ' (' || group_concat(status, ', ') || ')' AS said
FROM trail_visits GROUP BY run, token, node
HAVING min(attempt) <> 0 OR max(attempt) <> count(*) - 1 OR count(DISTINCT attempt) <> count(attempt)
    OR max(CASE WHEN status IN ('completed', 'open', 'held') THEN attempt ELSE 0 END) < max(attempt)
        * max(CASE WHEN status IN ('completed', 'open', 'held') THEN 1 ELSE 0 END)
    OR sum(CASE WHEN status IN ('completed', 'open', 'held') THEN 1 ELSE 0 END) > 1

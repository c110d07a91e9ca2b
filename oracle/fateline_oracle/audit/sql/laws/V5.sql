-- A returned row is a token whose attempts at a node have a gap.
-- Asked of: visits
SELECT run, token, node, 'has ' || count(*) || ' attempts at ' || node || ', numbered ' || group_concat(attempt, ', ') AS said
FROM trail_visits GROUP BY run, token, node
HAVING min(attempt) <> 0 OR max(attempt) <> count(*) - 1 OR count(DISTINCT attempt) <> count(attempt) OR count(attempt) < count(*)

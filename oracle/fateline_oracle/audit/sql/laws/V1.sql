-- A returned row is a visit that is still open although the run is over.
-- Asked of: visits of ended runs
SELECT v.run, v.token, v.node, 'visits ' || v.node || ' (' || v.status || '), and the run is over' AS said
FROM trail_visits AS v JOIN trail_runs AS r ON r.run = v.run AND r.status = 'completed'
WHERE v.status IN ('open', 'held')

-- A returned row is a token that is still held at a coalesce in a run that is over.
-- Asked of: visits of ended runs
SELECT v.run, v.token, v.node, 'is held at ' || v.node || ', and the run is over' AS said
FROM trail_visits AS v JOIN trail_runs AS r ON r.run = v.run AND r.status = 'completed'
JOIN trail_nodes AS n ON n.run = v.run AND n.node = v.node AND n.kind = 'coalesce'
WHERE v.status IN ('open', 'held')

-- A returned row is a batch whose status is unknown, or not final although the run is over.
-- Asked of: batches
SELECT run, NULL AS token, node, 'batch ' || batch || ' has an unknown status: ' || coalesce(status, 'none') AS said
FROM trail_batches WHERE coalesce(status, '') NOT IN ('open', 'triggered', 'completed', 'failed')
UNION ALL
-- Asked of: batches of ended runs
SELECT b.run, NULL, b.node, 'batch ' || b.batch || ' is ' || b.status || ', and the run is over'
FROM trail_batches AS b JOIN trail_runs AS r ON r.run = b.run AND r.status = 'completed'
WHERE b.status IN ('open', 'triggered')

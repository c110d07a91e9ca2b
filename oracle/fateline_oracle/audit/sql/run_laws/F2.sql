-- A returned row is a run that is over although its source has not ended.
-- Asked of: ended runs
SELECT run, NULL AS token, NULL AS node, 'the run is over, and its source has not ended' AS said
FROM trail_runs WHERE status = 'completed' AND rows IS NULL

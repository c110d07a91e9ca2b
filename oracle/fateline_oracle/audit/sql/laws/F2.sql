-- A returned row is a token without a fate, or a row without a token, in a run that is over.
-- Asked of: tokens of ended runs
SELECT t.run, t.token, NULL AS node, 'has no fate, and the run is over' AS said
FROM trail_tokens AS t JOIN trail_runs AS r ON r.run = t.run AND r.status = 'completed'
WHERE NOT EXISTS (SELECT 1 FROM fates AS f WHERE f.run = t.run AND f.token = t.token)
UNION ALL
-- Asked of: rows of ended runs
SELECT w.run, NULL, NULL, 'row ' || w."row" || ' has no token, and the run is over'
FROM trail_rows AS w JOIN trail_runs AS r ON r.run = w.run AND r.status = 'completed'
WHERE NOT EXISTS (SELECT 1 FROM trail_tokens AS t WHERE t.run = w.run AND t."row" = w."row")

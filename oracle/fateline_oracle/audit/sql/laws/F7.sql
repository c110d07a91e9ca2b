-- A returned row is a token whose fate names a sink that it was not written to, or not the one that it was written to.
-- Asked of: fates
SELECT f.run, f.token, f.sink AS node, 'names sink ' || f.sink || ', and has no completed visit there' AS said
FROM fates AS f JOIN settings AS n ON n.run = f.run AND n.node = f.sink
WHERE NOT EXISTS (
    SELECT 1 FROM trail_visits AS v
    WHERE v.run = f.run AND v.token = f.token AND v.node = f.sink AND v.status = 'completed')
UNION ALL
SELECT v.run, v.token, v.node, 'was written to ' || v.node || ', and its fate does not say so'
FROM trail_visits AS v JOIN trail_nodes AS n ON n.run = v.run AND n.node = v.node AND n.kind = 'sink'
JOIN fates AS f ON f.run = v.run AND f.token = v.token
WHERE v.status = 'completed' AND f.sink IS DISTINCT FROM v.node
UNION ALL
SELECT f.run, f.token, NULL, 'names sink ' || f.sink || ', and there is no such node'
FROM fates AS f JOIN trail_tokens AS t ON t.run = f.run AND t.token = f.token
WHERE f.sink IS NOT NULL AND NOT EXISTS (SELECT 1 FROM settings AS n WHERE n.run = f.run AND n.node = f.sink)

-- A returned row is a token that was written to a sink twice, or whose fate was not committed with the write.
-- Asked of: writes
SELECT v.run, v.token, v.node, 'is written to ' || v.node || ' ' || count(*) || ' times' AS said
FROM trail_visits AS v JOIN trail_nodes AS n ON n.run = v.run AND n.node = v.node AND n.kind = 'sink'
WHERE v.status = 'completed' GROUP BY v.run, v.token, v.node HAVING count(*) > 1
UNION ALL
SELECT v.run, v.token, v.node, 'is written to ' || v.node || ' in transaction ' || v.tx || CASE WHEN f.token IS NULL
    THEN ', and has no fate' ELSE ', and meets its fate in ' || f.tx END
FROM trail_visits AS v JOIN trail_nodes AS n ON n.run = v.run AND n.node = v.node AND n.kind = 'sink'
LEFT JOIN fates AS f ON f.run = v.run AND f.token = v.token
WHERE v.status = 'completed' AND (f.token IS NULL OR f.tx <> v.tx)

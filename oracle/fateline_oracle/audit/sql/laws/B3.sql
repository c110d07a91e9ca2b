-- A returned row is a member whose visit was closed in another way than its batch ended.
-- Asked of: members
SELECT f.run, f.token, v.node, 'is ' || f.outcome || ' with batch ' || f.batch || ', and its visit of ' || v.node || ' is ' || v.status AS said
FROM fates AS f
JOIN trail_visits AS v ON v.run = f.run AND v.token = f.token
JOIN settings AS s ON s.run = v.run AND s.node = v.node AND s.kind = 'aggregation'
WHERE f.batch IS NOT NULL
    AND v.status <> CASE WHEN f.outcome = 'failed' THEN 'failed' ELSE 'completed' END AND v.status <> 'interrupted'
    AND NOT EXISTS (SELECT 1 FROM trail_hops AS h WHERE h.run = v.run AND h.token = v.token AND h.src = v.node)

-- A returned row is an expansion child that was written in another transaction than its parent's fate.
-- Asked of: expansions
SELECT l.run, l.child AS token, NULL AS node,
    'is written in transaction ' || l.tx || ', and the expansion of ' || l.parent || ' in ' || f.tx AS said
FROM links AS l JOIN fates AS f ON f.run = l.run AND f.token = l.parent AND f.outcome = 'expanded'
WHERE l.group_kind = 'expand' AND l.tx <> f.tx
UNION ALL
SELECT v.run, v.token, v.node, 'is expanded in transaction ' || f.tx || ', and the visit that ended so in ' || v.tx
FROM fates AS f JOIN trail_visits AS v ON v.run = f.run AND v.token = f.token AND v.status = 'completed'
WHERE f.outcome = 'expanded' AND v.tx <> f.tx AND NOT EXISTS (
    SELECT 1 FROM trail_hops AS h WHERE h.run = v.run AND h.token = v.token AND h.from_visit = v.visit)

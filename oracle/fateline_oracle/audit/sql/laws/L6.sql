-- A returned row is a record about a token that does not belong to the run.
-- Asked of: outcomes
SELECT o.run, o.token, NULL AS node, 'is no token of the run, and has the outcome ' || coalesce(o.outcome, 'none') AS said
FROM trail_outcomes AS o
WHERE NOT EXISTS (SELECT 1 FROM trail_tokens AS t WHERE t.run = o.run AND t.token = o.token)
UNION ALL
-- Asked of: visits
SELECT v.run, v.token, v.node, 'is no token of the run, and visits ' || v.node FROM trail_visits AS v
WHERE NOT EXISTS (SELECT 1 FROM trail_tokens AS t WHERE t.run = v.run AND t.token = v.token)
UNION ALL
-- Asked of: hops
SELECT h.run, h.token, h.dst, 'is no token of the run, and goes to ' || h.dst FROM trail_hops AS h
WHERE NOT EXISTS (SELECT 1 FROM trail_tokens AS t WHERE t.run = h.run AND t.token = h.token)
UNION ALL
-- Asked of: parents
SELECT l.run, l.child, NULL, 'is no token of the run, and has the parent ' || l.parent FROM links AS l
WHERE l.child_known IS NULL
UNION ALL
-- Asked of: losses
SELECT x.run, x.token, NULL, 'is no token of the run, and loses branch ' || x.branch FROM trail_losses AS x
WHERE x.token IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM trail_tokens AS t WHERE t.run = x.run AND t.token = x.token)
UNION ALL
-- Asked of: merges
SELECT m.run, m.token, NULL, 'is no token of the run, and has an origin of ' || coalesce(m.field, 'a field')
FROM trail_merges AS m
WHERE NOT EXISTS (SELECT 1 FROM trail_tokens AS t WHERE t.run = m.run AND t.token = m.token)

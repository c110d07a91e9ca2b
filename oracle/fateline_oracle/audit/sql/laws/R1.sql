-- A returned row is a step of which the records were not committed together.
-- Asked of: tokens
SELECT h.run, h.token, h.dst AS node, 'is made in transaction ' || t.tx || ', and its first hop in ' || h.tx AS said
FROM starts AS h JOIN trail_tokens AS t ON t.run = h.run AND t.token = h.token
WHERE h.tx <> t.tx
UNION ALL
SELECT p.run, p.child, NULL, 'is made in transaction ' || t.tx || ', and its link to ' || p.parent || ' in ' || p.tx
FROM trail_parents AS p JOIN trail_tokens AS t ON t.run = p.run AND t.token = p.child
WHERE p.tx <> t.tx
UNION ALL
SELECT t.run, t.token, NULL, 'is made in transaction ' || t.tx || ', and its row was read in ' || w.tx
FROM trail_tokens AS t JOIN trail_rows AS w ON w.run = t.run AND w."row" = t."row"
WHERE t.group_kind IS NULL AND t.tx <> w.tx
UNION ALL
SELECT h.run, h.token, h.src, 'ends its visit of ' || h.src || ' in transaction ' || v.tx || ', and goes on in ' || h.tx
FROM trail_hops AS h JOIN trail_visits AS v ON v.run = h.run AND v.visit = h.from_visit
WHERE h.tx <> v.tx
UNION ALL
SELECT b.run, b.result, b.node, 'is merged in transaction ' || t.tx || ', and its barrier is resolved in ' || b.tx
FROM trail_barriers AS b JOIN trail_tokens AS t ON t.run = b.run AND t.token = b.result
WHERE b.tx <> t.tx
UNION ALL
SELECT f.run, f.token, NULL, 'is coalesced in transaction ' || f.tx || ', and the merged token is made in ' || t.tx
FROM fates AS f JOIN links AS l ON l.run = f.run AND l.parent = f.token AND l."group" = f."group" AND l.group_kind = 'join'
JOIN trail_tokens AS t ON t.run = l.run AND t.token = l.child
WHERE f.outcome = 'coalesced' AND f.tx <> t.tx
UNION ALL
SELECT m.run, m.token, NULL, 'is merged in transaction ' || t.tx || ', and the origin of ' || m.field || ' is recorded in ' || m.tx
FROM trail_merges AS m JOIN trail_tokens AS t ON t.run = m.run AND t.token = m.token
WHERE m.tx <> t.tx
UNION ALL
SELECT m.run, m.token, NULL, 'joins batch ' || m.batch || ' in transaction ' || m.tx || ', and is buffered in ' || o.tx
FROM trail_members AS m
JOIN trail_outcomes AS o ON o.run = m.run AND o.token = m.token AND o.outcome = 'buffered' AND o.batch = m.batch
WHERE m.tx <> o.tx
UNION ALL
SELECT x.run, x.token, NULL, 'loses branch ' || x.branch || ' in transaction ' || x.tx || ', and its barrier fails for it in ' || b.tx
FROM trail_losses AS x JOIN trail_barriers AS b ON b.run = x.run AND b.barrier = x.barrier AND b."trigger" = 'loss'
WHERE b.tx <> x.tx AND x.seq = (SELECT max(last.seq) FROM trail_losses AS last WHERE last.run = x.run AND last.barrier = x.barrier)
UNION ALL
SELECT f.run, f.token, v.node, 'is ' || f.outcome || ' in transaction ' || f.tx || ', and the visit that ended so in ' || v.tx
FROM fates AS f JOIN steps AS v ON v.run = f.run AND v.token = f.token
WHERE f.outcome NOT IN ('forked', 'expanded') AND v.tx <> f.tx
    AND NOT EXISTS (SELECT 1 FROM steps AS n WHERE n.run = v.run AND n.token = v.token AND n.place = v.place + 1)

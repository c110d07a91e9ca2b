-- A returned row is a token that begins a visit with other data than it carries.
-- Asked of: visits
SELECT run, token, node, 'begins its visit of ' || node || ' with other data than it carries' AS said
FROM steps WHERE carries <> digest_in
UNION ALL
SELECT v.run, v.token, v.node, 'begins its visit of ' || v.node || ' with other data than its row'
FROM trail_tokens AS t JOIN trail_rows AS w ON w.run = t.run AND w."row" = t."row"
JOIN steps AS v ON v.run = t.run AND v.token = t.token AND v.place = 1
WHERE t.group_kind IS NULL AND v.digest_in <> w.digest
UNION ALL
SELECT v.run, v.token, v.node, 'begins its visit of ' || v.node || ' with other data than its fork had'
FROM links AS l JOIN steps AS v ON v.run = l.run AND v.token = l.child AND v.place = 1
JOIN starts AS s ON s.run = l.run AND s.token = l.child
JOIN trail_visits AS made ON made.run = l.run AND made.token = l.parent AND made.node = s.src AND made.status = 'completed'
WHERE l.group_kind = 'fork' AND l.parent_known IS NOT NULL AND v.digest_in <> made.digest_out

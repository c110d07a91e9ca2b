-- A returned row is a token that goes where no edge leads, does not start where its lineage requires, or visits a node that
-- none of its hops leads to.
-- Asked of: hops
-- May lack: hops.label
SELECT h.run, h.token, h.dst AS node, 'goes from ' || h.src || ' to ' || h.dst || ', and no edge leads there' AS said
FROM trail_hops AS h
LEFT JOIN settings AS n ON n.run = h.run AND n.node = h.dst
WHERE NOT EXISTS (SELECT 1 FROM trail_edges AS e WHERE e.run = h.run AND e.src = h.src AND e.dst = h.dst)
    AND NOT (n.kind IS NOT DISTINCT FROM 'sink' AND coalesce(h.label, 'on_error') = 'on_error')
UNION ALL
SELECT h.run, h.token, h.dst, 'goes from ' || h.src || ' to ' || h.dst || ' by ' || h.label || ', and that edge leads elsewhere'
FROM trail_hops AS h
WHERE h.label <> 'on_error' AND EXISTS (SELECT 1 FROM trail_edges AS e WHERE e.run = h.run AND e.src = h.src AND e.dst = h.dst)
    AND NOT EXISTS (SELECT 1 FROM trail_edges AS e WHERE e.run = h.run AND e.src = h.src AND e.label = h.label AND e.dst = h.dst)
UNION ALL
-- Asked of: visits
SELECT v.run, v.token, v.node, 'visits ' || v.node || ', and no hop led it there'
FROM trail_visits AS v
WHERE NOT EXISTS (SELECT 1 FROM trail_hops AS h WHERE h.run = v.run AND h.token = v.token AND h.dst = v.node)
UNION ALL
-- Asked of: tokens
SELECT t.run, t.token, NULL, 'has ' || count(*) || ' first hops'
FROM trail_tokens AS t JOIN starts AS h ON h.run = t.run AND h.token = t.token
LEFT JOIN fates AS f ON f.run = t.run AND f.token = t.token
GROUP BY t.run, t.token HAVING count(*) > 1 AND count(DISTINCT f.outcome) < 2
UNION ALL
-- Asked of: tokens of ended runs
SELECT t.run, t.token, NULL, 'is made and goes nowhere'
FROM trail_tokens AS t JOIN trail_runs AS r ON r.run = t.run AND r.status = 'completed'
WHERE NOT EXISTS (SELECT 1 FROM starts AS h WHERE h.run = t.run AND h.token = t.token)
    AND NOT EXISTS (SELECT 1 FROM fates AS f WHERE f.run = t.run AND f.token = t.token)
UNION ALL
SELECT s.run, s.token, s.src, 'starts by ' || coalesce(s.label, 'no edge') || ' of ' || s.src || ', which contradicts its lineage'
FROM starts AS s JOIN trail_tokens AS t ON t.run = s.run AND t.token = s.token
LEFT JOIN trail_nodes AS n ON n.run = s.run AND n.node = s.src
WHERE CASE t.group_kind
    WHEN 'fork' THEN s.label IS DISTINCT FROM t.branch OR n.kind IS DISTINCT FROM 'gate'
    WHEN 'join' THEN s.label <> 'continue' OR n.kind IS DISTINCT FROM 'coalesce'
    WHEN 'expand' THEN s.label <> 'continue' OR n.kind IS DISTINCT FROM 'transform'
    WHEN 'batch' THEN s.label <> 'continue' OR n.kind IS DISTINCT FROM 'aggregation'
    ELSE s.label NOT IN ('continue', 'on_error') OR n.kind IS DISTINCT FROM 'source' END
UNION ALL
SELECT l.run, l.child, s.src, 'starts at ' || s.src || ', where its parent ' || l.parent || ' never was'
FROM links AS l JOIN starts AS s ON s.run = l.run AND s.token = l.child
WHERE l.parent_known IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM trail_visits AS v WHERE v.run = l.run AND v.token = l.parent AND v.node = s.src)
UNION ALL
SELECT h.run, h.token, h.src, 'leaves ' || h.src || ' twice'
FROM trail_hops AS h WHERE h.from_visit IS NOT NULL
GROUP BY h.run, h.token, h.src HAVING count(*) > 1

-- A returned row is a token that goes where no edge leads, does not start where its lineage requires, or visits a node that
-- none of its hops leads to.
-- Asked of: hops
-- Needs: nodes, edges, visits, hops, parents
SELECT h.run, h.token, h.dst AS node, 'goes from ' || h.src || ' to ' || h.dst || ' by ' || coalesce(h.label, 'no label')
    || ', and there is no such edge' AS said
FROM trail_hops AS h
LEFT JOIN trail_edges AS e ON e.run = h.run AND e.src = h.src AND e.label = h.label AND e.dst = h.dst
WHERE e.src IS NULL
UNION ALL
SELECT v.run, v.token, v.node, 'visits ' || v.node || ', and no hop led it there'
FROM trail_visits AS v
WHERE NOT EXISTS (SELECT 1 FROM trail_hops AS h WHERE h.run = v.run AND h.token = v.token AND h.dst = v.node)
UNION ALL
SELECT t.run, t.token, NULL, CASE WHEN count(h.token) = 0 THEN 'is made and goes nowhere'
    ELSE 'has ' || count(h.token) || ' first hops' END
FROM trail_tokens AS t LEFT JOIN starts AS h ON h.run = t.run AND h.token = t.token
LEFT JOIN fates AS f ON f.run = t.run AND f.token = t.token
GROUP BY t.run, t.token HAVING count(h.token) > 1 AND count(DISTINCT f.outcome) < 2
    OR (count(h.token) = 0 AND max(f.outcome) IS NULL)
UNION ALL
SELECT s.run, s.token, s.src, 'starts by ' || s.label || ' of ' || s.src || ', which contradicts its lineage'
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

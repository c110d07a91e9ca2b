-- A returned row is a merge that keeps another value of a field than its strategy, or does not say where a field comes from.
-- Asked of: merges
SELECT run, token, node, 'keeps ' || field || ' of ' || branch || ' (kept: ' || coalesce(kept, 'not recorded')
    || '), and the strategy keeps that of ' || strategic AS said
FROM (
    SELECT m.run, m.token, b.node, m.field, m.branch, m.digest, m.kept,
        first_value(m.digest) OVER strategy AS strategic_digest, first_value(m.branch) OVER strategy AS strategic
    FROM trail_merges AS m JOIN trail_barriers AS b ON b.run = m.run AND b.result = m.token
    JOIN settings AS s ON s.run = b.run AND s.node = b.node
    JOIN branches AS k ON k.run = b.run AND k.node = b.node AND k.branch = m.branch
    WINDOW strategy AS (
        PARTITION BY m.run, m.token, m.field
        ORDER BY CASE WHEN s.collisions = 'first_wins' THEN k.position ELSE -k.position END)
) AS m
WHERE (coalesce(kept, 0) <> 0) <> coalesce(digest = strategic_digest, false) OR digest IS NULL
UNION ALL
SELECT m.run, m.token, b.node, 'takes ' || m.field || ' from ' || m.branch || ', which had not arrived'
FROM trail_merges AS m JOIN trail_barriers AS b ON b.run = m.run AND b.result = m.token
WHERE instr(',' || b.arrived || ',', ',' || m.branch || ',') = 0
UNION ALL
SELECT m.run, m.token, b.node, 'has two values for ' || m.field || ', and should have failed'
FROM trail_merges AS m JOIN trail_barriers AS b ON b.run = m.run AND b.result = m.token
JOIN settings AS s ON s.run = b.run AND s.node = b.node AND s.collisions = 'fail'
GROUP BY m.run, m.token, b.node, m.field HAVING count(DISTINCT m.digest) > 1
UNION ALL
-- Asked of: barriers
SELECT b.run, b.result, b.node, 'does not say where its fields come from'
FROM trail_barriers AS b JOIN settings AS s ON s.run = b.run AND s.node = b.node AND s.merge = 'union'
WHERE b.verdict = 'merged' AND b.result IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM trail_merges AS m WHERE m.run = b.run AND m.token = b.result)
UNION ALL
SELECT run, token, NULL, 'names branch ' || branch || ' ' || count(*) || ' times for ' || field
FROM trail_merges GROUP BY run, token, field, branch HAVING count(*) > 1
UNION ALL
SELECT m.run, m.token, NULL, 'has an origin of ' || m.field || ', and is no merged token'
FROM trail_merges AS m JOIN trail_tokens AS t ON t.run = m.run AND t.token = m.token
WHERE t.group_kind IS DISTINCT FROM 'join'
UNION ALL
-- Asked of: barriers
SELECT b.run, b.result, b.node, 'is merged by select of branch ' || s.select_branch || ', and branches ' || b.arrived || ' had arrived'
FROM trail_barriers AS b JOIN settings AS s ON s.run = b.run AND s.node = b.node AND s.merge = 'select'
WHERE b.verdict = 'merged' AND instr(',' || b.arrived || ',', ',' || s.select_branch || ',') = 0

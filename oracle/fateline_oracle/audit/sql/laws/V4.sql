-- A returned row is a visit whose end does not match the settings of its node, or after which nothing followed.
-- Asked of: visits
SELECT run, token, node, 'ends its visit of ' || node || ' with ' || coalesce(verdict, 'no verdict') || ' (' || status || '), and then '
    || coalesce('takes edge ' || label, CASE WHEN outcome IS NOT NULL THEN 'is ' || outcome || coalesce(' (' || reason || ')', '') END,
        'nothing follows') AS said
FROM (
    SELECT v.run, v.token, v.node, v.status, v.verdict, v.attempt, CASE WHEN v.attempt = 0 THEN 0 ELSE (
            SELECT count(*) FROM trail_visits AS cut
            WHERE cut.run = v.run AND cut.token = v.token AND cut.node = v.node AND cut.status = 'interrupted') END AS cut, s.kind, s.expands, s.attempts, h.label, start.label AS came, start.src AS came_from,
        CASE WHEN h.label IS NULL THEN f.outcome END AS outcome, CASE WHEN h.label IS NULL THEN f.reason END AS reason,
        CASE WHEN instr(v.verdict, ' ') > 0 THEN substr(v.verdict, 1, instr(v.verdict, ' ') - 1) ELSE v.verdict END AS word,
        CASE WHEN instr(v.verdict, ' ') > 0 THEN substr(v.verdict, instr(v.verdict, ' ') + 1) END AS argument,
        EXISTS (SELECT 1 FROM trail_edges AS e WHERE e.run = v.run AND e.src = v.node AND e.label = 'on_error') AS has_error_edge,
        came_kind.kind AS came_kind
    FROM trail_visits AS v
    JOIN settings AS s ON s.run = v.run AND s.node = v.node
    LEFT JOIN trail_hops AS h ON h.run = v.run AND h.token = v.token AND h.from_visit = v.visit
    LEFT JOIN fates AS f ON f.run = v.run AND f.token = v.token
    LEFT JOIN trail_hops AS start ON s.kind = 'sink' AND start.run = v.run AND start.token = v.token AND start.dst = v.node
    LEFT JOIN settings AS came_kind ON came_kind.run = start.run AND came_kind.node = start.src
    WHERE v.status IN ('completed', 'failed') AND s.kind IN ('transform', 'gate', 'sink')
        AND NOT EXISTS (
            SELECT 1 FROM trail_visits AS again
            WHERE v.status = 'failed' AND again.run = v.run AND again.token = v.token AND again.node = v.node
                AND again.attempt = v.attempt + 1)
) AS v
WHERE CASE
    WHEN word = 'pass' THEN NOT (kind = 'transform' AND status = 'completed' AND label IS NOT DISTINCT FROM 'continue')
    WHEN word = 'drop' THEN NOT (kind = 'transform' AND status = 'completed' AND outcome IS NOT DISTINCT FROM 'discarded'
        AND reason IS NOT DISTINCT FROM 'filtered')
    WHEN word = 'expand' AND expands IS DISTINCT FROM 0 THEN NOT (kind = 'transform' AND status = 'completed'
        AND outcome IS NOT DISTINCT FROM 'expanded')
    WHEN word = 'route' THEN NOT (kind = 'gate' AND status = 'completed' AND (label IN (argument, 'continue')
        OR (label IS NULL AND (outcome IS NOT DISTINCT FROM 'forked' OR (outcome IS NOT DISTINCT FROM 'discarded'
            AND reason IS NOT DISTINCT FROM 'gate_discard')))))
    WHEN word = 'written' THEN NOT (kind = 'sink' AND status = 'completed' AND label IS NULL AND outcome IS NOT DISTINCT FROM CASE
        WHEN came = 'on_error' AND came_kind = 'source' THEN 'quarantined' WHEN came = 'on_error' THEN 'diverted'
        WHEN came_kind = 'gate' AND came <> 'continue' AND NOT EXISTS (
            SELECT 1 FROM trail_tokens AS t
            WHERE t.run = v.run AND t.token = v.token AND t.branch = came AND came_from IN (
                SELECT first.src FROM starts AS first WHERE first.run = v.run AND first.token = v.token)) THEN 'routed'
        WHEN came IS NULL THEN outcome ELSE 'completed' END)
    WHEN word IN ('error', 'error_retryable', 'refused', 'refused_retryable') THEN NOT (status = 'failed' AND CASE
        WHEN has_error_edge THEN label IS NOT DISTINCT FROM 'on_error'
        ELSE outcome IN ('failed', 'quarantined') AND reason IS NOT DISTINCT FROM 'node_failed' END)
        OR (word IN ('error_retryable', 'refused_retryable') AND attempt + 1 - cut < attempts)
    ELSE true END
UNION ALL
-- Asked of: roots
SELECT t.run, t.token, h.src, 'is of an invalid row, and is neither quarantined nor on its way there'
FROM trail_tokens AS t LEFT JOIN starts AS h ON h.run = t.run AND h.token = t.token
LEFT JOIN fates AS f ON f.run = t.run AND f.token = t.token
WHERE t.group_kind IS NULL AND h.token IS NULL AND f.outcome IS DISTINCT FROM 'quarantined'
UNION ALL
SELECT v.run, v.token, v.node, 'is at ' || v.node || ' on attempt ' || v.attempt || ', and ' || s.attempts || ' are allowed'
FROM trail_visits AS v
JOIN settings AS s ON s.run = v.run AND s.node = v.node AND s.kind IN ('transform', 'gate', 'sink')
WHERE v.attempt >= s.attempts AND v.attempt - (
    SELECT count(*) FROM trail_visits AS cut
    WHERE cut.run = v.run AND cut.token = v.token AND cut.node = v.node AND cut.status = 'interrupted'
        AND cut.attempt < v.attempt) >= s.attempts

-- A returned row is a token that took another edge than the verdict of its visit names.
-- Asked of: hops
SELECT h.run, h.token, h.src AS node, 'leaves ' || h.src
    || CASE WHEN v.visit IS NULL THEN ' without a visit there' ELSE ' after a visit that is not its own' END AS said
FROM trail_hops AS h LEFT JOIN trail_visits AS v ON v.run = h.run AND v.visit = h.from_visit
WHERE h.from_visit IS NOT NULL AND (v.visit IS NULL OR v.token <> h.token OR v.node <> h.src)
UNION ALL
SELECT h.run, h.token, h.src, 'leaves ' || h.src || ' by ' || h.label || ', and its visit there is ' || v.status
FROM trail_hops AS h JOIN trail_visits AS v ON v.run = h.run AND v.visit = h.from_visit AND v.token = h.token AND v.node = h.src
WHERE CASE v.status WHEN 'failed' THEN h.label <> 'on_error' WHEN 'completed' THEN h.label = 'on_error' ELSE true END
UNION ALL
SELECT h.run, h.token, h.src, 'leaves ' || h.src || ' by ' || h.label || ' after the verdict ' || v.verdict
FROM trail_hops AS h JOIN trail_visits AS v ON v.run = h.run AND v.visit = h.from_visit AND v.token = h.token AND v.node = h.src
LEFT JOIN trail_edges AS named ON named.run = v.run AND named.src = v.node AND v.verdict = 'route ' || named.label
WHERE v.status = 'completed' AND v.verdict IS NOT NULL AND CASE
    WHEN v.verdict IN ('pass', 'flushed') THEN h.label <> 'continue'
    WHEN v.verdict LIKE 'route %' THEN h.label <> coalesce(named.label, 'continue')
    ELSE true END

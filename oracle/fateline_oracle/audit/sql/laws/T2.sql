-- A returned row is a token that took another edge than the verdict of its visit names.
-- Asked of: hops
-- Needs: edges, visits, hops.from_visit
SELECT h.run, h.token, h.src AS node, 'leaves ' || h.src || ' by ' || coalesce(h.label, 'no label')
    || CASE WHEN v.visit IS NULL THEN ' without a visit there'
        WHEN v.token <> h.token OR v.node <> h.src THEN ' after a visit that is not its own'
        ELSE ' after the verdict ' || coalesce(v.verdict, 'none') || ' (' || v.status || ')' END AS said
FROM trail_hops AS h LEFT JOIN trail_visits AS v ON v.run = h.run AND v.visit = h.from_visit
LEFT JOIN trail_edges AS named ON named.run = v.run AND named.src = v.node AND v.verdict = 'route ' || named.label
WHERE h.from_visit IS NOT NULL AND (v.visit IS NULL OR v.token <> h.token OR v.node <> h.src OR CASE
    WHEN h.label IS NULL THEN false
    WHEN v.status = 'failed' THEN h.label <> 'on_error'
    WHEN v.status <> 'completed' THEN true
    WHEN v.verdict IS NULL THEN h.label = 'on_error'
    WHEN v.verdict IN ('pass', 'flushed') THEN h.label IS DISTINCT FROM 'continue'
    WHEN v.verdict LIKE 'route %' THEN h.label IS DISTINCT FROM coalesce(named.label, 'continue')
    ELSE true END)

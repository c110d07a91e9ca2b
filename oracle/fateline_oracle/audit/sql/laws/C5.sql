-- A returned row is a token that is recorded as late but is not, or that came late but did not fail at once for it.
-- Asked of: arrivals
-- Needs: barriers, visits, outcomes
SELECT f.run, f.token, d.coalesce AS node, 'is called late (' || f.reason || '), and its own barrier '
    || CASE WHEN b.verdict IS NULL THEN 'was never resolved' WHEN b.seq > f.seq THEN 'was resolved afterwards'
        ELSE b.verdict END AS said
FROM fates AS f
LEFT JOIN debts AS d ON d.run = f.run AND d.token = f.token
LEFT JOIN trail_barriers AS b ON b.run = d.run AND b.node = d.coalesce AND b.fork_group = d.fork_group
WHERE f.reason IN ('late_arrival_after_merge', 'late_arrival_after_failure')
    AND (b.verdict IS NULL OR b.seq > f.seq
        OR f.reason <> CASE b.verdict WHEN 'merged' THEN 'late_arrival_after_merge' ELSE 'late_arrival_after_failure' END)
UNION ALL
SELECT v.run, v.token, v.node, 'reaches ' || v.node || ' after its barrier was resolved, and is '
    || coalesce(f.outcome || coalesce(' (' || f.reason || ')', ''), 'left without a fate')
FROM trail_visits AS v JOIN debts AS d ON d.run = v.run AND d.token = v.token AND d.coalesce = v.node
JOIN trail_barriers AS b ON b.run = d.run AND b.node = d.coalesce AND b.fork_group = d.fork_group
LEFT JOIN fates AS f ON f.run = v.run AND f.token = v.token
WHERE v.opened > b.seq AND (f.outcome IS DISTINCT FROM 'failed' OR v.status <> 'failed'
    OR coalesce(f.reason, '') NOT IN ('late_arrival_after_merge', 'late_arrival_after_failure')
    OR f.tx <> v.tx)

-- A returned row is a token that is recorded as late but is not, or that came late and did not end, or went on.
-- Asked of: arrivals
SELECT f.run, f.token, d.coalesce AS node, 'is called late (' || f.reason || '), and its own barrier '
    || CASE WHEN b.barrier IS NULL THEN 'was never resolved' ELSE 'was resolved afterwards' END AS said
FROM fates AS f
LEFT JOIN debts AS d ON d.run = f.run AND d.token = f.token
LEFT JOIN trail_barriers AS b ON b.run = d.run AND b.node = d.coalesce AND b.fork_group = d.fork_group
WHERE f.reason IN ('late_arrival_after_merge', 'late_arrival_after_failure') AND (b.barrier IS NULL OR b.seq > f.seq)
UNION ALL
SELECT run, token, node, 'reaches ' || node || ' after its barrier was resolved, and is ' || coalesce(outcome, 'left without a fate')
FROM late WHERE status NOT IN ('open', 'held') AND (outcome IS NULL OR outcome NOT IN ('failed', 'discarded', 'quarantined'))
UNION ALL
-- Asked of: barriers
SELECT v.run, v.token, v.node, 'reaches ' || v.node || ' after the barrier of its fork was resolved, and is '
    || coalesce(f.outcome, 'left without a fate')
FROM trail_tokens AS t
JOIN trail_barriers AS b ON b.run = t.run AND b.fork_group = t."group"
JOIN trail_visits AS v ON v.run = t.run AND v.token = t.token AND v.node = b.node
LEFT JOIN fates AS f ON f.run = t.run AND f.token = t.token
WHERE t.group_kind = 'fork' AND v.opened > b.seq AND v.status NOT IN ('open', 'held')
    AND (f.outcome IS NULL OR f.outcome NOT IN ('failed', 'discarded', 'quarantined'))

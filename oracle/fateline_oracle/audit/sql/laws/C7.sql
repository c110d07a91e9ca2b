-- A returned row is a token that its barrier held when it failed, and that did not fail with it for the same reason; or a
-- failed barrier with more recorded arrivals than tokens that failed with it.
-- Asked of: barriers
-- Needs: barriers, visits, outcomes
SELECT b.run, d.token, b.node, 'was held at ' || b.node || ' when its barrier failed (' || coalesce(b.reason, 'no reason')
    || '), and is ' || coalesce(f.outcome || coalesce(' (' || f.reason || ')', ''), 'left without a fate')
    || ', its visit ' || v.status AS said
FROM trail_barriers AS b JOIN debts AS d ON d.run = b.run AND d.coalesce = b.node AND d.fork_group = b.fork_group
JOIN trail_visits AS v ON v.run = d.run AND v.token = d.token AND v.node = b.node
LEFT JOIN fates AS f ON f.run = d.run AND f.token = d.token
WHERE b.verdict = 'failed' AND v.status <> 'interrupted'
    AND coalesce(f.reason, '') NOT IN ('late_arrival_after_merge', 'late_arrival_after_failure')
    AND (f.outcome IS DISTINCT FROM 'failed' OR f.reason IS DISTINCT FROM b.reason OR v.status <> 'failed'
        OR f.tx <> b.tx)

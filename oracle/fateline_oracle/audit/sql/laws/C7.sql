-- A returned row is a token that its barrier held when it failed, and that did not fail with it.
-- Asked of: failed barriers
SELECT b.run, d.token, b.node, 'was held at ' || b.node || ' when its barrier failed, and is '
    || coalesce(f.outcome, 'left without a fate') || ', its visit ' || v.status AS said
FROM trail_barriers AS b JOIN debts AS d ON d.run = b.run AND d.coalesce = b.node AND d.fork_group = b.fork_group
JOIN trail_visits AS v ON v.run = d.run AND v.token = d.token AND v.node = b.node
LEFT JOIN fates AS f ON f.run = d.run AND f.token = d.token
WHERE b.verdict = 'failed' AND v.status <> 'interrupted'
    AND coalesce(f.reason, '') NOT IN ('late_arrival_after_merge', 'late_arrival_after_failure')
    AND (f.outcome IS DISTINCT FROM 'failed' OR v.status <> 'failed')
UNION ALL
-- Asked of: failed barriers
SELECT b.run, d.token, b.node, 'was held at ' || b.node || ' when its barrier failed in transaction ' || b.tx || ', and fails in ' || f.tx
FROM trail_barriers AS b JOIN debts AS d ON d.run = b.run AND d.coalesce = b.node AND d.fork_group = b.fork_group
JOIN trail_visits AS v ON v.run = d.run AND v.token = d.token AND v.node = b.node
LEFT JOIN fates AS f ON f.run = d.run AND f.token = d.token
WHERE b.verdict = 'failed' AND v.status <> 'interrupted'
    AND coalesce(f.reason, '') NOT IN ('late_arrival_after_merge', 'late_arrival_after_failure')
    AND f.tx <> b.tx

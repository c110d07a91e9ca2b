-- held: each token that a barrier held when it failed: its visit there, its fate, and the reason of the barrier.
-- Of the rows. Key: run, token
SELECT b.run, d.token, b.node, v.status, f.outcome, f.reason, b.reason AS barrier_reason, f.tx, b.tx AS barrier_tx
FROM trail_barriers AS b JOIN debts AS d ON d.run = b.run AND d.coalesce = b.node AND d.fork_group = b.fork_group
JOIN trail_visits AS v ON v.run = d.run AND v.token = d.token AND v.node = b.node
LEFT JOIN fates AS f ON f.run = d.run AND f.token = d.token
WHERE b.verdict = 'failed' AND v.status <> 'interrupted'
    AND coalesce(f.reason, '') NOT IN ('late_arrival_after_merge', 'late_arrival_after_failure')

-- A returned row is a token that came late, and that fails with another word, or not in the step of its arrival.
-- Asked of: arrivals
SELECT f.run, f.token, d.coalesce AS node, 'is called late (' || f.reason || '), and its own barrier ' || b.verdict AS said
FROM fates AS f
JOIN debts AS d ON d.run = f.run AND d.token = f.token
JOIN trail_barriers AS b ON b.run = d.run AND b.node = d.coalesce AND b.fork_group = d.fork_group
WHERE f.reason <> CASE b.verdict WHEN 'merged' THEN 'late_arrival_after_merge' ELSE 'late_arrival_after_failure' END
    AND f.reason IN ('late_arrival_after_merge', 'late_arrival_after_failure')
UNION ALL
SELECT v.run, v.token, v.node, 'reaches ' || v.node || ' after its barrier was resolved, fails for ' || f.reason
    || ', and its visit is ' || v.status
FROM trail_visits AS v JOIN debts AS d ON d.run = v.run AND d.token = v.token AND d.coalesce = v.node
JOIN trail_barriers AS b ON b.run = d.run AND b.node = d.coalesce AND b.fork_group = d.fork_group
JOIN fates AS f ON f.run = v.run AND f.token = v.token
WHERE v.opened > b.seq AND f.outcome = 'failed' AND (v.status <> 'failed' OR f.reason NOT IN ('late_arrival_after_merge', 'late_arrival_after_failure'))
UNION ALL
SELECT v.run, v.token, v.node, 'reaches ' || v.node || ' late in transaction ' || v.tx || ', and fails in ' || f.tx
FROM trail_visits AS v JOIN debts AS d ON d.run = v.run AND d.token = v.token AND d.coalesce = v.node
JOIN trail_barriers AS b ON b.run = d.run AND b.node = d.coalesce AND b.fork_group = d.fork_group
JOIN fates AS f ON f.run = v.run AND f.token = v.token
WHERE v.opened > b.seq AND f.tx <> v.tx

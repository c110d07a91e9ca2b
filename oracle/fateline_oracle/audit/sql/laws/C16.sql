-- A returned row is a token that came late, and that fails with another word, or not in the step of its arrival.
-- Asked of: arrivals
SELECT f.run, f.token, d.coalesce AS node, 'is called late (' || f.reason || '), and its own barrier ' || b.verdict AS said
FROM fates AS f
JOIN debts AS d ON d.run = f.run AND d.token = f.token
JOIN trail_barriers AS b ON b.run = d.run AND b.node = d.coalesce AND b.fork_group = d.fork_group
WHERE f.reason <> CASE b.verdict WHEN 'merged' THEN 'late_arrival_after_merge' ELSE 'late_arrival_after_failure' END
    AND f.reason IN ('late_arrival_after_merge', 'late_arrival_after_failure')
UNION ALL
SELECT run, token, node, 'reaches ' || node || ' after its barrier was resolved, is ' || outcome || ' for ' || reason || ', and its visit is ' || status
FROM late
WHERE outcome <> 'failed' OR status <> 'failed' OR reason NOT IN ('late_arrival_after_merge', 'late_arrival_after_failure')
UNION ALL
SELECT run, token, node, 'reaches ' || node || ' late in transaction ' || tx || ', and fails in ' || fate_tx
FROM late WHERE fate_tx <> tx

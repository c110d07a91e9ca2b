-- A returned row is a token that can no longer bring its branch to the coalesce, and of which no loss is recorded.
-- Asked of: forks
SELECT d.run, d.token, d.coalesce AS node, 'owes branch ' || d.branch || ' to ' || d.coalesce || ', '
    || CASE WHEN h.token IS NULL THEN 'is ' || f.outcome ELSE 'goes to ' || h.dst END || ', and its loss is not recorded' AS said
FROM debts AS d
LEFT JOIN fates AS f ON f.run = d.run AND f.token = d.token
LEFT JOIN trail_hops AS h ON h.run = d.run AND h.token = d.token AND NOT EXISTS (
    SELECT 1 FROM onward AS o WHERE o.run = h.run AND o.src = h.dst AND o.dst = d.coalesce)
LEFT JOIN trail_barriers AS b ON b.run = d.run AND b.node = d.coalesce AND b.fork_group = d.fork_group
WHERE (h.token IS NOT NULL OR (f.outcome IN ('discarded', 'quarantined', 'failed') AND NOT EXISTS (
        SELECT 1 FROM trail_visits AS v WHERE v.run = d.run AND v.token = d.token AND v.node = d.coalesce)))
    AND NOT coalesce(b.seq < coalesce(h.seq, f.seq), false)
    AND NOT EXISTS (
        SELECT 1 FROM trail_losses AS x JOIN debts AS e ON e.run = x.run AND e.token = x.token
        WHERE x.run = d.run AND x.branch = d.branch
            AND e.coalesce = d.coalesce AND e.branch = d.branch AND e.fork_group = d.fork_group)
UNION ALL
SELECT d.run, d.token, d.coalesce, 'owes branch ' || d.branch || ' to ' || d.coalesce || ', its own fork failed at ' || inner_one.node
    || ', and its loss is not recorded'
FROM debts AS d
JOIN fates AS f ON f.run = d.run AND f.token = d.token AND f.outcome = 'forked'
JOIN trail_barriers AS inner_one ON inner_one.run = f.run AND inner_one.fork_group = f."group" AND inner_one.verdict = 'failed'
LEFT JOIN trail_barriers AS b ON b.run = d.run AND b.node = d.coalesce AND b.fork_group = d.fork_group
WHERE NOT coalesce(b.seq < inner_one.seq, false)
    AND NOT EXISTS (
        SELECT 1 FROM trail_losses AS x JOIN debts AS e ON e.run = x.run AND e.token = x.token
        WHERE x.run = d.run AND x.branch = d.branch
            AND e.coalesce = d.coalesce AND e.branch = d.branch AND e.fork_group = d.fork_group)

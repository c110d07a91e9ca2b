-- A returned row is a branch of a fork that its barrier does not account for once: held, late or lost.
-- Asked of: barriers
SELECT b.run, b.result AS token, b.node, 'the barrier of fork ' || b.fork_group || ' records that ' || k.branch || ' arrived'
    || ', and no token of that branch was held there' AS said
FROM trail_barriers AS b JOIN branches AS k ON k.run = b.run AND k.node = b.node
WHERE instr(',' || b.arrived || ',', ',' || k.branch || ',') > 0 AND NOT EXISTS (
    SELECT 1 FROM debts AS d
    JOIN trail_visits AS v ON v.run = d.run AND v.token = d.token AND v.node = d.coalesce
    LEFT JOIN fates AS f ON f.run = d.run AND f.token = d.token
    WHERE d.run = b.run AND d.coalesce = b.node AND d.fork_group = b.fork_group AND d.branch = k.branch
        AND coalesce(f.reason, '') NOT IN ('late_arrival_after_merge', 'late_arrival_after_failure'))
UNION ALL
SELECT b.run, d.token, b.node, 'was held at ' || b.node || ' on branch ' || d.branch || ', and the barrier of fork '
    || b.fork_group || ' does not record it'
FROM trail_barriers AS b JOIN debts AS d ON d.run = b.run AND d.coalesce = b.node AND d.fork_group = b.fork_group
JOIN fates AS f ON f.run = d.run AND f.token = d.token
JOIN trail_visits AS v ON v.run = d.run AND v.token = d.token AND v.node = b.node
WHERE instr(',' || b.arrived || ',', ',' || d.branch || ',') = 0
    AND coalesce(f.reason, '') NOT IN ('late_arrival_after_merge', 'late_arrival_after_failure')
UNION ALL
SELECT b.run, b.result, b.node, 'the barrier of fork ' || b.fork_group || ' records that branch ' || k.branch
    || ' arrived and was lost'
FROM trail_barriers AS b JOIN branches AS k ON k.run = b.run AND k.node = b.node
WHERE instr(',' || b.arrived || ',', ',' || k.branch || ',') > 0 AND instr(',' || b.lost || ',', ',' || k.branch || ',') > 0
UNION ALL
SELECT b.run, b.result, b.node, 'the barrier of fork ' || b.fork_group || ' records that branch ' || k.branch
    || CASE WHEN x.branch IS NULL THEN ' was lost, and no loss is recorded' ELSE ' was not lost, and its loss is recorded' END
FROM trail_barriers AS b JOIN branches AS k ON k.run = b.run AND k.node = b.node
LEFT JOIN trail_losses AS x ON x.run = b.run AND x.barrier = b.barrier AND x.branch = k.branch
WHERE (instr(',' || b.lost || ',', ',' || k.branch || ',') > 0) <> (x.branch IS NOT NULL)
UNION ALL
SELECT x.run, x.token, b.node, 'loses branch ' || x.branch || ' after its barrier was resolved'
FROM trail_losses AS x JOIN trail_barriers AS b ON b.run = x.run AND b.barrier = x.barrier WHERE x.seq > b.seq

-- A returned row is something that other records show to have happened, but that has no record.
-- Asked of: hops
SELECT h.run, h.token, h.dst AS node, 'is ' || f.outcome || ', and its visit of ' || h.dst || ' is not recorded' AS said
FROM trail_hops AS h JOIN fates AS f ON f.run = h.run AND f.token = h.token
WHERE NOT EXISTS (SELECT 1 FROM trail_visits AS v WHERE v.run = h.run AND v.token = h.token AND v.node = h.dst)
UNION ALL
-- Asked of: joins
SELECT l.run, l.parent, s.src, 'is merged at ' || s.src || ', and the barrier is not recorded'
FROM links AS l JOIN starts AS s ON s.run = l.run AND s.token = l.child
WHERE l.group_kind = 'join'
    AND NOT EXISTS (SELECT 1 FROM trail_barriers AS b WHERE b.run = l.run AND b.result = l.child AND b.node = s.src)
UNION ALL
-- Asked of: barriers
SELECT b.run, b.result, b.node, 'the barrier of fork ' || coalesce(b.fork_group, 'none') || ' merged into '
    || coalesce(b.result, 'nothing') || ', which is no merged token'
FROM trail_barriers AS b LEFT JOIN trail_tokens AS t ON t.run = b.run AND t.token = b.result AND t.group_kind = 'join'
WHERE (b.verdict = 'merged' AND t.token IS NULL) OR (b.verdict = 'failed' AND b.result IS NOT NULL)
UNION ALL
-- Asked of: fates
SELECT f.run, f.token, NULL, 'fails for ' || f.reason || ', and no barrier failed for that reason'
FROM fates AS f LEFT JOIN debts AS d ON d.run = f.run AND d.token = f.token
LEFT JOIN trail_barriers AS b
    ON b.run = d.run AND b.node = d.coalesce AND b.fork_group = d.fork_group AND b.reason = f.reason
WHERE f.outcome = 'failed' AND b.barrier IS NULL AND f.reason IN ('branch_lost', 'quorum_impossible', 'all_branches_lost',
    'incomplete_branches', 'quorum_not_met', 'no_arrivals', 'select_branch_not_arrived', 'contract_conflict',
    'union_collision', 'merged_row_too_large')
UNION ALL
-- Asked of: parents
SELECT run, max(child), NULL, 'has the same place in its group as another child of ' || parent
FROM links WHERE group_kind IN ('fork', 'expand', 'batch') AND ordinal IS NOT NULL
GROUP BY run, parent, "group", ordinal HAVING count(*) > 1
UNION ALL
-- Asked of: members
SELECT m.run, m.token, NULL, 'is a member of batch ' || m.batch || ', and was never buffered there'
FROM trail_members AS m
WHERE NOT EXISTS (
    SELECT 1 FROM trail_outcomes AS o
    WHERE o.run = m.run AND o.token = m.token AND o.outcome = 'buffered' AND o.batch = m.batch)
UNION ALL
-- Asked of: coalesced
SELECT f.run, f.token, v.node, 'is coalesced, and its visit of ' || v.node || ' is ' || v.status
FROM fates AS f JOIN debts AS d ON d.run = f.run AND d.token = f.token
JOIN trail_visits AS v ON v.run = f.run AND v.token = f.token AND v.node = d.coalesce AND v.status <> 'interrupted'
WHERE f.outcome = 'coalesced' AND v.status <> 'completed'
UNION ALL
-- Asked of: visits
SELECT run, token, node, 'has a visit with an unknown status: ' || coalesce(status, 'none')
FROM trail_visits WHERE coalesce(status, '') NOT IN ('open', 'held', 'completed', 'failed', 'interrupted')
UNION ALL
-- Asked of: tokens
SELECT run, token, NULL, 'is made by an unknown operation: ' || group_kind
FROM trail_tokens WHERE group_kind NOT IN ('fork', 'join', 'expand', 'batch')

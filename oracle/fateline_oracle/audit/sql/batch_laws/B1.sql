-- A returned row is a batch whose members are not numbered from 0 in their order, or whose outputs are not children of the first.
-- Asked of: members
-- Needs: batches, members.ordinal
SELECT e.run, min(e.token) AS token, NULL AS node,
    'batch ' || e.batch || ' has ' || count(*) || ' members, numbered ' || coalesce(min(e.ordinal), 'not at all') || ' to '
        || coalesce(max(e.ordinal), 'not at all') AS said
FROM ends AS e
GROUP BY e.run, e.batch
HAVING count(e.ordinal) < count(*) OR min(e.ordinal) <> 0 OR max(e.ordinal) <> count(*) - 1 OR count(DISTINCT e.ordinal) <> count(*)
UNION ALL
SELECT run, token, NULL, 'is member ' || ordinal || ' of batch ' || batch || ', and came before the member that is before it'
FROM (
    SELECT run, token, batch, ordinal, seq, lag(seq) OVER (PARTITION BY run, batch ORDER BY ordinal) AS before FROM ends
) AS e
WHERE before > seq
UNION ALL
SELECT e.run, e.token, NULL, 'is a member of batch ' || e.batch || ', which does not exist'
FROM ends AS e
WHERE NOT EXISTS (SELECT 1 FROM trail_batches AS b WHERE b.run = e.run AND b.batch = e.batch)
UNION ALL
SELECT o.run, o.token, NULL, 'is an output of batch ' || o.batch || ', and its parent ' || coalesce(o.parent, 'none')
    || ' is not the first member, consumed in it'
FROM outputs AS o
LEFT JOIN ends AS e ON e.run = o.run AND e.batch = o.batch AND e.token = o.parent AND e.ordinal = 0
WHERE e.token IS NULL OR e.fate IS DISTINCT FROM 'consumed_in_batch'

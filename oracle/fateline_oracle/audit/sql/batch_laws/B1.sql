-- A returned row is a batch whose members are not numbered from 0 in their order, or whose outputs are not children of a member.
-- Asked of: members
SELECT e.run, min(e.token) AS token, NULL AS node,
    'batch ' || e.batch || ' has ' || count(*) || ' members, numbered ' || min(e.ordinal) || ' to ' || max(e.ordinal) AS said
FROM ends AS e
GROUP BY e.run, e.batch
HAVING min(e.ordinal) <> 0 OR max(e.ordinal) <> count(*) - 1 OR count(DISTINCT e.ordinal) <> count(*)
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
-- Asked of: outputs
SELECT o.run, o.token, NULL, 'is an output of batch ' || o.batch || ', and its parent ' || coalesce(o.parent, 'none')
    || ' is no member that was consumed in it'
FROM outputs AS o
LEFT JOIN ends AS e ON e.run = o.run AND e.batch = o.batch AND e.token = o.parent
WHERE e.token IS NULL OR e.fate IS DISTINCT FROM 'consumed_in_batch' OR e.fate_batch IS DISTINCT FROM o.batch

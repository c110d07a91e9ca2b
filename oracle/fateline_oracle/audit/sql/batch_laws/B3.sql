-- A returned row is a batch whose members end differently.
-- Asked of: batches
SELECT b.run, min(e.token) AS token, b.node, 'the members of batch ' || b.batch || ' end differently: '
    || group_concat(DISTINCT CASE WHEN e.fate_batch IS NOT DISTINCT FROM e.batch THEN e.fate || coalesce(' (' || e.reason || ')', '')
        WHEN e.went_on = 1 THEN 'went on' ELSE 'nothing' END) AS said
FROM trail_batches AS b JOIN ends AS e ON e.run = b.run AND e.batch = b.batch
WHERE b.status IN ('completed', 'failed')
GROUP BY b.run, b.batch, b.node
HAVING count(DISTINCT CASE WHEN e.fate_batch IS NOT DISTINCT FROM e.batch THEN e.fate || coalesce(' (' || e.reason || ')', '')
    WHEN e.went_on = 1 THEN 'went on' ELSE 'nothing' END) > 1
UNION ALL
SELECT b.run, e.token, b.node, 'fails with batch ' || b.batch || ' for another reason: ' || e.reason
FROM trail_batches AS b JOIN ends AS e ON e.run = b.run AND e.batch = b.batch AND e.fate_batch = b.batch
WHERE b.status = 'failed' AND e.fate = 'failed' AND e.reason <> 'batch_failed'

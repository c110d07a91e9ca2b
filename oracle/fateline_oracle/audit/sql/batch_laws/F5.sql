-- A returned row is a member of a batch that has ended, but that did not end with it.
-- Asked of: members
SELECT e.run, e.token, b.node, 'is a member of batch ' || e.batch || ', which is ' || b.status || ', and did not end with it' AS said
FROM ends AS e JOIN trail_batches AS b ON b.run = e.run AND b.batch = e.batch AND b.status IN ('completed', 'failed')
WHERE e.fate_batch IS DISTINCT FROM e.batch AND e.went_on = 0

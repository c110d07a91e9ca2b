-- A returned row is a token that was in two visits at once, or in one when it met its fate.
-- Asked of: visits
SELECT run, token, node, 'begins its visit of ' || node || ' before the one of ' || earlier || ' is closed' AS said
FROM steps WHERE earlier_opened IS NOT NULL AND (earlier_closed IS NULL OR earlier_closed > opened)
UNION ALL
-- Asked of: visits of ended runs
SELECT v.run, v.token, v.node, 'is ' || f.outcome || ', and its visit of ' || v.node || ' is ' || v.status
FROM trail_visits AS v JOIN trail_runs AS r ON r.run = v.run AND r.status = 'completed'
JOIN fates AS f ON f.run = v.run AND f.token = v.token
WHERE v.status IN ('open', 'held')
UNION ALL
SELECT v.run, v.token, v.node, 'is ' || f.outcome || ' in transaction ' || f.tx || ', and its visit of ' || v.node || ' is ' || v.status
FROM trail_visits AS v JOIN fates AS f ON f.run = v.run AND f.token = v.token
WHERE v.status IN ('open', 'held') AND f.tx IS NOT NULL AND v.tx IS NOT NULL
UNION ALL
SELECT v.run, v.token, v.node, 'is ' || f.outcome || ', and its visit of ' || v.node || ' is closed in a later transaction'
FROM trail_visits AS v JOIN fates AS f ON f.run = v.run AND f.token = v.token
WHERE v.closed > f.seq AND v.tx <> f.tx
UNION ALL
SELECT h.run, h.token, h.src, 'goes on from ' || h.src || ' before its visit there is closed'
FROM trail_hops AS h JOIN trail_visits AS v ON v.run = h.run AND v.visit = h.from_visit
WHERE h.seq < v.closed
UNION ALL
SELECT run, token, node, 'has a visit of ' || node || ' that is ' || coalesce(status, 'of no status') || ' and does not record when it '
    || CASE WHEN opened IS NULL THEN 'began' ELSE 'ended' END
FROM trail_visits WHERE opened IS NULL OR (closed IS NULL AND status IN ('completed', 'failed', 'interrupted'))

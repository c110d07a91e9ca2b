-- A returned row is a token that its barrier held when it failed, and that did not fail with it.
-- Asked of: failed barriers
SELECT run, token, node, 'was held at ' || node || ' when its barrier failed, and is ' || coalesce(outcome, 'left without a fate')
    || ', its visit ' || status AS said
FROM held WHERE outcome IS DISTINCT FROM 'failed' OR status <> 'failed'
UNION ALL
SELECT run, token, node, 'was held at ' || node || ' when its barrier failed in transaction ' || barrier_tx || ', and fails in ' || tx
FROM held WHERE tx <> barrier_tx

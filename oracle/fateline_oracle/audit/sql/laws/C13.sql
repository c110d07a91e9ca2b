-- A returned row is a loss whose reason does not match what its holder did.
-- A fork of which no joined branch leads on loses what it owes at once; what becomes of its own barrier later is no reason.
-- Asked of: losses
SELECT run, token, NULL AS node, 'loses branch ' || branch || ' as ' || coalesce(reason, 'nothing') || ', and it was ' || actual AS said
FROM (
    SELECT x.run, x.token, x.branch, x.reason,
        CASE WHEN f.outcome = 'forked' AND EXISTS (
                SELECT 1 FROM trail_barriers AS inner_one
                WHERE inner_one.run = x.run AND inner_one.fork_group = f."group" AND inner_one.verdict = 'failed'
                    AND (inner_one.seq < x.seq OR inner_one.seq IS NULL OR x.seq IS NULL))
                THEN 'barrier_failed'
            WHEN f.outcome = 'forked' THEN 'forked_away'
            WHEN f.outcome IN ('routed', 'completed') THEN 'routed'
            WHEN f.outcome = 'diverted' THEN CASE WHEN EXISTS (
                SELECT 1 FROM trail_hops AS h WHERE h.run = x.run AND h.token = x.token AND h.seq < x.seq AND h.tx = x.tx
                    AND h.label <> 'on_error') THEN 'routed' ELSE 'diverted' END
            ELSE f.outcome END AS actual
    FROM trail_losses AS x JOIN fates AS f ON f.run = x.run AND f.token = x.token
) AS x
WHERE reason IS DISTINCT FROM actual AND NOT (actual IN ('routed', 'diverted', 'failed', 'quarantined', 'discarded') AND EXISTS (
    SELECT 1 FROM trail_hops AS h WHERE h.run = x.run AND h.token = x.token
        AND reason = CASE h.label WHEN 'on_error' THEN 'diverted' ELSE 'routed' END AND h.from_visit IS NOT NULL))

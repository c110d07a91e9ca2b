-- A returned row is a token that visits a node with other debts than the graph requires there.
-- Asked of: visits
SELECT v.run, v.token, v.node, 'visits ' || v.node || ' owing ' || coalesce(nullif(d.branches, ''), 'nothing') AS said
FROM trail_visits AS v
LEFT JOIN debts AS d ON d.run = v.run AND d.token = v.token
WHERE (d.coalesce IS NULL OR EXISTS (  -- a token that can no longer reach its coalesce owes it nothing here
        SELECT 1 FROM onward AS o WHERE o.run = v.run AND o.src = v.node AND o.dst = d.coalesce))
    AND v.node IN (SELECT s.node FROM stacks AS s WHERE s.run = v.run) AND NOT EXISTS (
    SELECT 1 FROM stacks AS s WHERE s.run = v.run AND s.node = v.node
        AND s.coalesces = coalesce(d.coalesces, '') AND s.branches = coalesce(d.branches, ''))

-- A returned row is a token whose fate promises successors, but that does not have exactly these.
-- Asked of: delegations
SELECT f.run, f.token, NULL AS node,
    'is ' || f.outcome || ' into ' || coalesce(f.promised, '1') || ', and has ' || count(l.child) || ' successors' AS said
FROM fates AS f
LEFT JOIN links AS l ON l.run = f.run AND l.parent = f.token AND l."group" = f."group"
WHERE f.outcome IN ('forked', 'expanded', 'coalesced')
GROUP BY f.run, f.token, f.outcome, f."group", f.promised
HAVING count(l.child) <> CASE f.outcome
    WHEN 'forked' THEN length(f.promised) - length(replace(f.promised, ',', '')) + 1
    WHEN 'expanded' THEN CAST(f.promised AS INTEGER) ELSE 1 END

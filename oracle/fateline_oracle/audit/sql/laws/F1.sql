-- A returned row is a token that meets several fates.
-- Asked of: fates
SELECT run, token, NULL AS node, 'meets ' || count(*) || ' fates: ' || group_concat(outcome, ', ') AS said
FROM fates GROUP BY run, token HAVING count(*) > 1

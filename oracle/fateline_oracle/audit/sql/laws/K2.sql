-- A returned row is a fork child that was written in another transaction than its parent's fate.
-- Asked of: forks
-- Needs: outcomes.tx, tokens.tx
SELECT l.run, l.child AS token, NULL AS node,
    'is written in transaction ' || l.tx || ', and the fork of ' || l.parent || ' in ' || f.tx AS said
FROM links AS l JOIN fates AS f ON f.run = l.run AND f.token = l.parent AND f.outcome = 'forked'
WHERE l.group_kind = 'fork' AND l.tx <> f.tx

-- A returned row is a child of a fork that is not in the place of its branch.
-- Asked of: forks
-- Needs: outcomes, tokens, parents.ordinal
SELECT l.run, l.child AS token, NULL AS node, 'is on branch ' || l.branch || ' of ' || f.promised || ', in place '
    || coalesce(l.ordinal, 'none') AS said
FROM links AS l JOIN fates AS f ON f.run = l.run AND f.token = l.parent AND f.outcome = 'forked'
WHERE l.group_kind = 'fork' AND instr(',' || f.promised || ',', ',' || l.branch || ',') > 0
    AND l.ordinal IS DISTINCT FROM (
        length(substr(f.promised, 1, instr(',' || f.promised || ',', ',' || l.branch || ',') - 1))
        - length(replace(substr(f.promised, 1, instr(',' || f.promised || ',', ',' || l.branch || ',') - 1), ',', '')))

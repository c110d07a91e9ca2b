-- A returned row is a child of a fork that is not in the place of its branch.
-- Asked of: forks
SELECT l.run, l.child AS token, NULL AS node, 'is on branch ' || l.branch || ' of ' || f.promised || ', in place '
    || l.ordinal AS said
FROM links AS l JOIN fates AS f ON f.run = l.run AND f.token = l.parent AND f.outcome = 'forked'
WHERE l.group_kind = 'fork' AND instr(',' || f.promised || ',', ',' || l.branch || ',') > 0
    AND l.ordinal <> (
        length(substr(f.promised, 1, instr(',' || f.promised || ',', ',' || l.branch || ',') - 1))
        - length(replace(substr(f.promised, 1, instr(',' || f.promised || ',', ',' || l.branch || ',') - 1), ',', '')))

-- branches: the branches that a coalesce joins, in declared order; `of` is their number.
-- Of the graph. Key: run, node, branch
SELECT s.run, s.node, b.value AS branch, b.key AS position, json_array_length(s.branches) AS "of"
FROM settings AS s, json_each(s.branches) AS b
WHERE s.kind = 'coalesce' AND json_type(s.branches) = 'array'

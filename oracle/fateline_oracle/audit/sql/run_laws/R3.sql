-- A returned row is a run whose number of rows differs from its source, or whose rows were not read in the order of the source.
-- Asked of: runs
SELECT r.run, NULL AS token, NULL AS node, 'the source gave ' || r.rows || ' rows, and ' || t.rows || ' are recorded' AS said
FROM trail_runs AS r JOIN totals AS t ON t.run = r.run
WHERE r.rows <> t.rows
UNION ALL
SELECT run, NULL, source, 'rows from place ' || first_idx || ' of ' || coalesce(source, 'its source')
    || ' were read after the one at place ' || before
FROM (
    SELECT run, source, first_idx, lag(last_idx) OVER (PARTITION BY run, source ORDER BY part) AS before FROM read_ranges
) AS s
WHERE before >= first_idx

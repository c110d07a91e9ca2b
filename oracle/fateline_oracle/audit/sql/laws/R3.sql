-- A returned row is a row that was read out of the order of its source, or twice.
-- Asked of: rows
SELECT run, NULL AS token, source AS node, 'row ' || "row" || ' is at place ' || idx || ' of ' || coalesce(source, 'its source')
    || ', and the row before it at place ' || before AS said
FROM (
    SELECT run, "row", source, idx, lag(idx) OVER (PARTITION BY run, source ORDER BY seq, part) AS before FROM trail_rows
) AS w
WHERE before >= idx

-- A returned row is a batch that was closed by the end of its source, although its source has not ended.
-- Asked of: batches
SELECT b.run, NULL AS token, b.node, 'batch ' || b.batch || ' was closed by the end of its source, which has not ended' AS said
FROM trail_batches AS b JOIN trail_runs AS r ON r.run = b.run
WHERE b."trigger" = 'end_of_source' AND r.rows IS NULL

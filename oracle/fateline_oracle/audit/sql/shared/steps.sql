-- steps: each token's visits in their order: the place of each, the visit before it, and the data that it starts with.
-- Of the rows. Key: run, token, place
SELECT run, token, node, visit, attempt, status, opened, closed, tx, digest_in,
    row_number() OVER one AS place,
    lag(node) OVER one AS earlier, lag(opened) OVER one AS earlier_opened, lag(closed) OVER one AS earlier_closed,
    lag(CASE WHEN status = 'completed' AND digest_out IS NOT NULL THEN digest_out ELSE digest_in END) OVER one AS carries
FROM trail_visits
WINDOW one AS (PARTITION BY run, token ORDER BY opened, attempt)

-- A returned row is a token that is its own ancestor, or that was there before its parent.
-- Asked of: parents
SELECT run, child AS token, NULL AS node, 'was there before its parent ' || parent AS said
FROM links WHERE parent_seq > seq
UNION ALL
SELECT run, origin, NULL, 'is its own ancestor'
FROM (
    WITH RECURSIVE up(run, origin, token) AS (
        SELECT run, child, parent FROM links WHERE parent_known IS NOT NULL AND NOT coalesce(parent_seq < seq, false)
        UNION
        SELECT u.run, u.origin, l.parent FROM up AS u JOIN links AS l ON l.run = u.run AND l.child = u.token
    )
    SELECT run, origin FROM up WHERE token = origin
) AS u

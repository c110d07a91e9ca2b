-- descent: every token that comes, by its lineage, from a token without a parent here.
-- Of the rows. Key: run, token
WITH RECURSIVE descended(run, token) AS (
    SELECT t.run, t.token FROM trail_tokens AS t
    WHERE NOT EXISTS (SELECT 1 FROM links AS l WHERE l.run = t.run AND l.child = t.token AND l.parent_known IS NOT NULL)
    UNION
    SELECT l.run, l.child FROM descended AS d JOIN links AS l ON l.run = d.run AND l.parent = d.token
)
SELECT run, token FROM descended

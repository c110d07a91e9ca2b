-- A returned row is a row with more than one root token.
-- Asked of: roots
-- Needs: tokens
SELECT run, max(token) AS token, NULL AS node, 'row ' || "row" || ' has ' || count(*) || ' root tokens' AS said
FROM trail_tokens WHERE group_kind IS NULL AND "group" IS NULL AND "row" IS NOT NULL
GROUP BY run, "row" HAVING count(*) > 1

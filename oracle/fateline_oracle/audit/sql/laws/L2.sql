-- A returned row is a token with a parent of another row.
-- Asked of: parents
-- Needs: tokens, parents
SELECT run, child AS token, NULL AS node,
    'is of row ' || coalesce("row", 'none') || ', and its parent ' || parent || ' of row ' || parent_row AS said
FROM links WHERE child_known IS NOT NULL AND parent_known IS NOT NULL AND parent_row IS DISTINCT FROM "row"

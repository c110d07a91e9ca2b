-- A returned row is a token with a parent of another row.
-- Asked of: parents
SELECT s.run, s.child AS token, NULL AS node,
    'is of row ' || coalesce(s."row", 'none') || ', and its parent ' || s.parent || ' of row ' || k."row" AS said
FROM unresolved_parents AS s JOIN parent_rows AS k ON k.run = s.run AND k.token = s.parent

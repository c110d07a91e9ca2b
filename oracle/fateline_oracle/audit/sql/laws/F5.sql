-- A returned row is a token that is buffered in a batch of which it is no member.
-- Asked of: buffered
SELECT o.run, o.token, NULL AS node, 'is buffered in batch ' || coalesce(o.batch, 'none') || ', and is no member of it' AS said
FROM trail_outcomes AS o
WHERE o.outcome = 'buffered' AND NOT EXISTS (
    SELECT 1 FROM trail_members AS m WHERE m.run = o.run AND m.token = o.token AND m.batch = o.batch)

-- A returned row is a batch whose trigger contradicts its settings or its members.
-- Asked of: batches
SELECT run, NULL AS token, node, 'batch ' || batch || ' was closed by ' || "trigger" || ', with ' || members || ' members'
    || coalesce(' of ' || count_trigger, '') AS said
FROM (
    SELECT b.run, b.node, b.batch, b."trigger", s.count_trigger, s.timeout, s.condition_trigger,
        (SELECT count(*) FROM ends AS e WHERE e.run = b.run AND e.batch = b.batch) AS members
    FROM trail_batches AS b JOIN settings AS s ON s.run = b.run AND s.node = b.node
) AS b
WHERE ("trigger" = 'count' AND members IS DISTINCT FROM count_trigger)
    OR ("trigger" = 'timeout' AND timeout IS NULL) OR ("trigger" = 'condition' AND condition_trigger IS NULL)
    OR ("trigger" <> 'count' AND members >= count_trigger)
    OR coalesce("trigger", 'count') NOT IN ('count', 'timeout', 'condition', 'end_of_source')

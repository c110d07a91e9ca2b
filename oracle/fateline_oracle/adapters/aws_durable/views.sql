-- Adapter: AWS Durable Execution
-- The history of executions, as JSON lines: an event on each line, with the name of its execution as `DurableExecutionArn`. A run is an
-- execution; its input is its one row. A branch of a `parallel` or an item of a `map` is a token. What runs the operation is one
-- token before it and another behind it, named TOKEN>, and so on with each operation.
-- Wants: lines.DurableExecutionArn, lines.EventType, lines.EventId, lines.Id, lines.SubType, lines.Name, lines.ParentId
-- Derived: F1 L2 L5 L7 L9 an operation has one end and one place in the tree of its execution
-- Note: A branch that succeeded before its operation ended is read as merged, also if the operation waited for others only.
-- Note: A branch that was running when its operation ended is run no more, and its history has no end of it.

CREATE VIEW trail_step_event AS
SELECT DurableExecutionArn AS run, CAST(EventId AS INTEGER) * 4 AS seq, Id AS id, ParentId AS parent, SubType AS kind,
    coalesce(Name, Id) AS name, line,
    CASE WHEN EventType LIKE '%Started' THEN 'Started' WHEN EventType LIKE '%Succeeded' THEN 'Succeeded' ELSE 'Failed' END AS what,
    CASE WHEN EventType LIKE 'Execution%' THEN 'Execution' WHEN EventType LIKE 'Context%' THEN 'Context' ELSE 'Work' END AS of,
    json_extract(line, '$.' || EventType || 'Details') AS details
FROM lines WHERE EventType <> 'InvocationCompleted';

CREATE VIEW trail_step_operation AS  -- each operation with its first event and its end
SELECT s.run, s.id, s.parent, s.kind, s.name, s.of, min(s.seq) AS began,
    (SELECT max(e.seq) FROM trail_step_event AS e WHERE e.run = s.run AND e.id = s.id AND e.what <> 'Started') AS ended,
    (SELECT e.what FROM trail_step_event AS e WHERE e.run = s.run AND e.id = s.id AND e.what <> 'Started' ORDER BY e.seq DESC LIMIT 1) AS how
FROM trail_step_event AS s WHERE s.what = 'Started' GROUP BY s.run, s.id;

CREATE VIEW trail_step_owner AS  -- whose operation each is: the nearest branch or item above it, or else the execution
WITH RECURSIVE up(run, id, above) AS (
    SELECT run, id, parent FROM trail_step_operation WHERE of <> 'Execution'
    UNION
    SELECT u.run, u.id, o.parent FROM up AS u JOIN trail_step_operation AS o ON o.run = u.run AND o.id = u.above
    WHERE o.kind NOT IN ('ParallelBranch', 'MapIteration')
)
SELECT u.run, u.id, u.run || coalesce('/' || u.above, '') AS owner
FROM up AS u LEFT JOIN trail_step_operation AS o ON o.run = u.run AND o.id = u.above WHERE o.id IS NULL OR o.kind IN ('ParallelBranch', 'MapIteration');

CREATE VIEW trail_step_fork AS  -- each `parallel` and `map`, and the token that it forks: the one behind as many operations as ended before
SELECT f.run, f.id, f.name, f.began, f.ended, w.owner, w.owner || substr('>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>', 1, (
        SELECT count(*) FROM trail_step_operation AS e JOIN trail_step_owner AS x ON x.run = e.run AND x.id = e.id
        WHERE e.run = f.run AND x.owner = w.owner AND e.kind IN ('Parallel', 'Map') AND e.ended < f.began)) AS token
FROM trail_step_operation AS f JOIN trail_step_owner AS w ON w.run = f.run AND w.id = f.id WHERE f.kind IN ('Parallel', 'Map');

CREATE VIEW trail_step_line AS  -- each execution, branch and item: its first token, and its last one
SELECT o.run, o.id, o.parent, o.kind, o.name, o.began, o.ended, o.how, o.token, coalesce((
        SELECT f.token || CASE WHEN f.ended IS NULL THEN '' ELSE '>' END FROM trail_step_fork AS f
        WHERE f.run = o.run AND f.owner = o.token ORDER BY f.began DESC LIMIT 1), o.token) AS last
FROM (SELECT *, run || CASE WHEN of = 'Execution' THEN '' ELSE '/' || id END AS token FROM trail_step_operation) AS o
WHERE o.of = 'Execution' OR o.kind IN ('ParallelBranch', 'MapIteration');

CREATE VIEW trail_step_arrived AS  -- each branch that succeeded before its operation ended
SELECT l.run, l.last AS token, f.token || '>' AS merged, f.ended, l.began
FROM trail_step_line AS l JOIN trail_step_fork AS f ON f.run = l.run AND f.id = l.parent
WHERE l.how = 'Succeeded' AND l.ended < f.ended;

CREATE VIEW trail_runs AS
SELECT run, iif(ended IS NULL, 'running', 'completed') AS status, 1 AS rows, began AS seq FROM trail_step_operation WHERE of = 'Execution';

CREATE VIEW trail_rows AS
SELECT run, run AS "row", 'input' AS source, 0 AS idx, json_extract(details, '$.Input.Payload') AS digest, seq
FROM trail_step_event WHERE of = 'Execution' AND what = 'Started';

CREATE VIEW trail_tokens AS
SELECT l.run, l.run AS "row", l.token, CASE WHEN l.kind = 'ParallelBranch' THEN l.name END AS branch,
    CASE l.kind WHEN 'ParallelBranch' THEN 'fork' WHEN 'MapIteration' THEN 'expand' END AS group_kind,
    CASE WHEN l.kind IS NOT NULL THEN l.run || '/' || l.parent END AS "group", l.began AS seq
FROM trail_step_line AS l
UNION ALL
SELECT f.run, f.run, f.token || '>', NULL, CASE WHEN count(a.token) > 0 THEN 'join' ELSE 'expand' END,
    CASE WHEN count(a.token) > 0 THEN f.token || '>' ELSE f.run || '/' || f.id END, f.ended + 1
FROM trail_step_fork AS f LEFT JOIN trail_step_arrived AS a ON a.run = f.run AND a.merged = f.token || '>'
WHERE f.ended IS NOT NULL GROUP BY f.run, f.id;

CREATE VIEW trail_parents AS
SELECT l.run, l.token AS child, f.token AS parent, l.began AS seq
FROM trail_step_line AS l JOIN trail_step_fork AS f ON f.run = l.run AND f.id = l.parent
UNION ALL
SELECT run, merged, token, ended + 1 FROM trail_step_arrived
UNION ALL
SELECT f.run, f.token || '>', f.token, f.ended + 1 FROM trail_step_fork AS f
WHERE f.ended IS NOT NULL AND NOT EXISTS (SELECT 1 FROM trail_step_arrived AS a WHERE a.run = f.run AND a.merged = f.token || '>');

CREATE VIEW trail_outcomes AS  -- a token that forks is forked; the last one of a branch ends as the branch did
SELECT run, token, 'forked' AS outcome, NULL AS error, run || '/' || id AS "group", began AS seq FROM trail_step_fork
UNION ALL
SELECT run, token, 'coalesced', NULL, merged, ended FROM trail_step_arrived
UNION ALL
SELECT l.run, l.last, CASE l.how WHEN 'Succeeded' THEN 'completed' ELSE 'failed' END,
    CASE WHEN l.how = 'Failed' THEN (
        SELECT coalesce(json_extract(e.details, '$.Error.Payload'), e.details) FROM trail_step_event AS e
        WHERE e.run = l.run AND e.id = l.id AND e.seq = l.ended) END, NULL, l.ended + 2
FROM trail_step_line AS l
WHERE l.ended IS NOT NULL AND NOT EXISTS (SELECT 1 FROM trail_step_arrived AS a WHERE a.run = l.run AND a.token = l.last)
    AND NOT EXISTS (SELECT 1 FROM trail_step_fork AS f WHERE f.run = l.run AND f.token = l.last);

CREATE VIEW trail_visits AS  -- an attempt at a step, a callback, a wait or a call begins with its start and ends with the event after it
SELECT s.run, s.run || '/' || s.id || '#' || s.attempt AS visit, w.owner || substr('>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>', 1, (
        SELECT count(*) FROM trail_step_fork AS f WHERE f.run = s.run AND f.owner = w.owner AND f.ended < s.seq)) AS token,
    w.owner || ':' || s.name AS node, s.attempt, CASE s.how WHEN 'Succeeded' THEN 'completed' WHEN 'Failed' THEN 'failed' ELSE 'open' END AS status,
    s.seq AS opened, iif(s.how <> 'Started', s.next, NULL) AS closed, iif(s.how <> 'Started', s.next, s.seq) AS seq
FROM (SELECT *, row_number() OVER (PARTITION BY run, id, what ORDER BY seq) - 1 AS attempt, lead(what) OVER one AS how, lead(seq) OVER one AS next
    FROM trail_step_event WHERE of = 'Work' WINDOW one AS (PARTITION BY run, id ORDER BY seq)) AS s
JOIN trail_step_owner AS w ON w.run = s.run AND w.id = s.id
WHERE s.what = 'Started';

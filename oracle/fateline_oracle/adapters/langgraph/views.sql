-- Adapter: LangGraph
-- The checkpoints of LangGraph in SQLite (langgraph-checkpoint-sqlite). A run is a thread, a row is one input to the thread, and
-- a token is a task: one execution of one node in one superstep.
-- Wants: checkpoints.thread_id, checkpoints.parent_checkpoint_id, checkpoints.metadata, writes.task_path, writes.channel
-- Derived: F1 F6 K1 K4 X1 C2 L5 what became of a task is read from where its writes led, so one cannot contradict the other
-- Order: The place of a checkpoint in its thread is the order. All tasks of one superstep have the same place.
-- Note: A task that waits at a join, and a task that has not written yet, are read from the channels that were written for them.
-- Note: The node of a task that was made by Send lies in an encoded value. It is called __pregel_push here.

CREATE VIEW trail_step_checkpoint AS  -- each checkpoint, its place in the thread, and the input that it belongs to
WITH RECURSIVE known(run, id, parent, source, place) AS MATERIALIZED (
    SELECT thread_id, checkpoint_id, parent_checkpoint_id, json_extract(CAST(metadata AS TEXT), '$.source'),
        row_number() OVER (PARTITION BY thread_id ORDER BY checkpoint_id) FROM checkpoints WHERE checkpoint_ns = ''),
walked(run, id, parent, source, place, "row") AS (
    SELECT run, id, parent, source, place, id FROM known WHERE source = 'input' UNION ALL
    SELECT k.run, k.id, k.parent, k.source, k.place, w."row" FROM walked AS w
    JOIN known AS k ON k.run = w.run AND k.parent = w.id AND k.source <> 'input')
SELECT w.*, (  -- the checkpoint that applied what the tasks of this one wrote; a new input drops it
        SELECT min(n.place) FROM known AS n WHERE n.run = w.run AND n.parent = w.id AND n.source IN ('loop', 'update')) AS applied
FROM walked AS w;

CREATE VIEW trail_step_task AS  -- each task that wrote something
SELECT w.thread_id AS run, w.task_id AS task, k."row", k.place, k.applied,
    CASE WHEN w.task_path LIKE '~__pregel_pull, %' THEN substr(w.task_path, 17) ELSE '__pregel_push' END AS node,
    CASE WHEN w.task_path LIKE '~__pregel_push, %' THEN CAST(substr(w.task_path, 17, 10) AS INTEGER) END AS sent,
    CASE WHEN max(w.idx) >= 0 THEN 'completed' WHEN max(w.channel = '__error__') THEN 'failed' ELSE 'held' END AS status,
    max(CASE WHEN w.channel = '__error__' THEN hex(w.value) END) AS error
FROM writes AS w JOIN trail_step_checkpoint AS k ON k.run = w.thread_id AND k.id = w.checkpoint_id
WHERE w.checkpoint_ns = '' AND w.task_path <> '' GROUP BY w.thread_id, k.id, w.task_id;

CREATE VIEW trail_step_write AS  -- what tasks sent: to a node, to a join (whose node is after the last colon), or by Send
SELECT DISTINCT t.run, t.task, t.node, t."row", t.applied, w.channel,
    CASE WHEN w.channel LIKE 'branch:to:%' THEN 'node' WHEN w.channel LIKE 'join:%' THEN 'join' ELSE 'send' END AS kind,
    CASE WHEN w.channel LIKE 'branch:to:%' THEN substr(w.channel, 11)
        WHEN w.channel LIKE 'join:%' THEN substr(w.channel, length(rtrim(w.channel, replace(w.channel, ':', ''))) + 1)
        ELSE '__pregel_push' END AS target,
    CASE WHEN w.channel = '__pregel_tasks' THEN row_number() OVER (
        PARTITION BY t.run, t.place, w.channel ORDER BY w.task_path, w.idx) - 1 END AS sent
FROM writes AS w JOIN trail_step_task AS t ON t.run = w.thread_id AND t.task = w.task_id
WHERE t.applied IS NOT NULL AND w.checkpoint_ns = ''
    AND (w.channel LIKE 'branch:to:%' OR w.channel LIKE 'join:%:%' OR w.channel = '__pregel_tasks');

CREATE VIEW trail_step_edge AS  -- each of them with the task that it led to; a join keeps what it has until its node runs
SELECT run, task, "row", applied, kind, label, ordinal, child, fan_out, made, kind = 'join' OR fan_in > 1 AS joined,
    CASE WHEN fan_out = 1 THEN task ELSE task || '/' || label END AS arrival
FROM (
    SELECT e.*, count(*) OVER (PARTITION BY run, task) AS fan_out, count(*) OVER (PARTITION BY run, child) AS fan_in,
        row_number() OVER (PARTITION BY run, task ORDER BY kind, label) - 1 AS ordinal,
        CASE WHEN count(sent) OVER (PARTITION BY run, task) > 0 THEN 'expand' ELSE 'fork' END AS made
    FROM (
        SELECT w.*, w.target || coalesce(':' || w.sent, '') AS label, coalesce((
                SELECT n.task FROM trail_step_task AS n WHERE n.run = w.run AND n.node = w.target AND n.place >= w.applied
                    AND n.sent IS w.sent AND (w.kind = 'join' OR n."row" = w."row")
                ORDER BY n.place LIMIT 1), CASE WHEN w.kind <> 'join' THEN w."row" || '/' || w.applied || '/' || w.target
                    || coalesce(':' || w.sent, '')
                WHEN (SELECT count(DISTINCT o.node) FROM trail_step_write AS o WHERE o.run = w.run AND o.channel = w.channel
                    AND NOT EXISTS (SELECT 1 FROM trail_step_task AS n WHERE n.run = o.run AND n.node = o.target
                        AND n.place >= o.applied)) > length(w.channel) - length(replace(w.channel, '+', ''))
                THEN w.channel || '/' END) AS child  -- all names have arrived, so the join is to run
        FROM trail_step_write AS w) AS e);

CREATE VIEW trail_runs AS  -- over: nothing that was sent is still to run. A token that waits at a join is not to run.
SELECT k.run, CASE WHEN EXISTS (
        SELECT 1 FROM trail_step_edge AS e WHERE e.run = k.run AND e."row" = k.last AND e.child LIKE '%/%'
            AND e.child NOT IN (SELECT task FROM trail_step_task))
    OR EXISTS (SELECT 1 FROM trail_step_task AS t WHERE t.run = k.run AND t."row" = k.last
        AND (t.applied IS NULL OR t.status <> 'completed')) THEN 'running' ELSE 'completed' END AS status, k.rows
FROM (SELECT run, max("row") AS last, count(DISTINCT "row") AS rows FROM trail_step_checkpoint GROUP BY run) AS k;

CREATE VIEW trail_rows AS
SELECT run, "row", '__start__' AS source, row_number() OVER (PARTITION BY run ORDER BY place) - 1 AS idx, place AS seq
FROM trail_step_checkpoint WHERE id = "row";

CREATE VIEW trail_tokens AS
SELECT n.run, n."row", n.token, CASE WHEN e.made = 'fork' AND NOT e.joined THEN e.label END AS branch,
    CASE WHEN e.joined THEN 'join' ELSE e.made END AS group_kind, CASE WHEN e.joined THEN n.token ELSE e.task END AS "group", n.seq
FROM (SELECT run, "row", task AS token, place AS seq FROM trail_step_task UNION
    SELECT run, "row", child, applied FROM trail_step_edge WHERE child NOT IN (SELECT task FROM trail_step_task)) AS n
LEFT JOIN trail_step_edge AS e ON e.run = n.run AND e.child = n.token GROUP BY n.run, n.token
UNION ALL
SELECT run, "row", arrival, CASE WHEN made = 'fork' THEN label END, made, task, applied FROM trail_step_edge WHERE joined AND fan_out > 1;

CREATE VIEW trail_parents AS
SELECT run, child, CASE WHEN joined THEN arrival ELSE task END AS parent, CASE WHEN NOT joined THEN ordinal END AS ordinal
FROM trail_step_edge WHERE child IS NOT NULL
UNION ALL SELECT run, arrival, task, ordinal FROM trail_step_edge WHERE joined AND fan_out > 1;

CREATE VIEW trail_visits AS SELECT run, task AS visit, task AS token, node, status FROM trail_step_task;

CREATE VIEW trail_outcomes AS
SELECT t.run, t.task AS token, CASE WHEN t.status = 'failed' THEN 'failed' WHEN e.task IS NULL THEN 'completed'
        WHEN e.made = 'fork' THEN 'forked' ELSE 'expanded' END AS outcome, t.error,
    e.task AS "group", CASE e.made WHEN 'fork' THEN group_concat(e.label, ',') ELSE e.fan_out END AS promised, t.applied AS seq
FROM trail_step_task AS t LEFT JOIN trail_step_edge AS e ON e.run = t.run AND e.task = t.task
WHERE CASE t.status WHEN 'completed' THEN t.applied IS NOT NULL WHEN 'failed' THEN t."row" < (
        SELECT max("row") FROM trail_step_checkpoint AS k WHERE k.run = t.run) END
GROUP BY t.run, t.task HAVING NOT coalesce(max(e.fan_out) = 1 AND max(e.joined), false)
UNION ALL SELECT run, arrival, 'coalesced', NULL, child, NULL, applied FROM trail_step_edge WHERE joined AND child IS NOT NULL;

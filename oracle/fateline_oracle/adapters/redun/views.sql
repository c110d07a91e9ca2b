-- Adapter: redun
-- The backend of redun in SQLite. A run is an execution, and its one row is what it was called with. A token is a job: one call of a task.
-- A call that takes the results of other calls is their join; one that takes none is a child of the job that called it.
-- Wants: job.execution_id, job.call_hash, call_node.value_hash, argument_result.result_call_hash, execution.job_id
-- Derived: F1 F6 X1 C2 L5 L7 L9 the fate of a job is its one end, and its children are those that took its result
-- Note: A call with the same task and the same arguments as another one has the same hash. Its first job is taken.

CREATE VIEW trail_step_job AS
SELECT j.id, j.execution_id AS run, j.parent_id, j.call_hash, j.end_time, coalesce(t.namespace || '.', '') || t.name AS task,
    v.type = 'redun.ErrorValue' AS failed, v.value_hash AS value
FROM job AS j LEFT JOIN task AS t ON t.hash = j.task_hash LEFT JOIN call_node AS n ON n.call_hash = j.call_hash
LEFT JOIN value AS v ON v.value_hash = n.value_hash;

CREATE VIEW trail_step_input AS  -- which job takes the result of which other one of its execution
SELECT DISTINCT c.run, c.id AS child, (
        SELECT p.id FROM trail_step_job AS p WHERE p.run = c.run AND p.call_hash = r.result_call_hash ORDER BY p.end_time LIMIT 1) AS parent
FROM trail_step_job AS c JOIN argument AS a ON a.call_hash = c.call_hash JOIN argument_result AS r ON r.arg_hash = a.arg_hash
WHERE c.parent_id IS NOT NULL;

CREATE VIEW trail_step_edge AS
SELECT run, child, parent, fan_out, fan_in > 1 AS joined,
    CASE WHEN fan_in > 1 AND fan_out > 1 THEN parent || '>' || child ELSE parent END AS arrival
FROM (
    SELECT e.*, count(*) OVER (PARTITION BY run, parent) AS fan_out, count(*) OVER (PARTITION BY run, child) AS fan_in
    FROM (
        SELECT run, child, parent FROM trail_step_input WHERE parent IS NOT NULL
        UNION ALL
        SELECT run, id, parent_id FROM trail_step_job WHERE parent_id IS NOT NULL
            AND id NOT IN (SELECT child FROM trail_step_input WHERE parent IS NOT NULL)) AS e);

CREATE VIEW trail_runs AS
SELECT e.id AS run, CASE WHEN j.end_time IS NULL THEN 'running' ELSE 'completed' END AS status, 1 AS rows
FROM execution AS e LEFT JOIN job AS j ON j.id = e.job_id;

CREATE VIEW trail_rows AS SELECT id AS run, id AS "row", 'call' AS source, 0 AS idx FROM execution;

CREATE VIEW trail_tokens AS
SELECT j.run, j.run AS "row", j.id AS token, CASE WHEN e.joined THEN 'join' WHEN e.child IS NOT NULL THEN 'expand' END AS group_kind,
    CASE WHEN e.joined THEN j.id ELSE e.parent END AS "group"
FROM trail_step_job AS j LEFT JOIN trail_step_edge AS e ON e.run = j.run AND e.child = j.id GROUP BY j.run, j.id
UNION ALL
SELECT run, run, arrival, 'expand', parent FROM trail_step_edge WHERE arrival <> parent;

CREATE VIEW trail_parents AS
SELECT run, child, arrival AS parent FROM trail_step_edge
UNION ALL SELECT run, arrival, parent FROM trail_step_edge WHERE arrival <> parent;

CREATE VIEW trail_visits AS
SELECT run, id AS visit, id AS token, task AS node, 0 AS attempt,
    CASE WHEN end_time IS NULL THEN 'open' WHEN failed THEN 'failed' ELSE 'completed' END AS status, value AS digest_out
FROM trail_step_job;

CREATE VIEW trail_outcomes AS
SELECT j.run, j.id AS token, CASE WHEN j.failed THEN 'failed' WHEN e.parent IS NULL THEN 'completed'
        WHEN e.arrival = e.parent AND e.joined THEN 'coalesced' ELSE 'expanded' END AS outcome,
    CASE WHEN j.failed THEN j.value END AS error,
    CASE WHEN j.failed THEN NULL WHEN e.arrival = e.parent AND e.joined THEN e.child ELSE e.parent END AS "group",
    CASE WHEN j.failed OR (e.joined AND e.arrival = e.parent) THEN NULL ELSE e.fan_out END AS promised
FROM trail_step_job AS j LEFT JOIN trail_step_edge AS e ON e.run = j.run AND e.parent = j.id
WHERE j.end_time IS NOT NULL GROUP BY j.run, j.id
UNION ALL
SELECT run, arrival, 'coalesced', NULL, child, NULL FROM trail_step_edge WHERE arrival <> parent;

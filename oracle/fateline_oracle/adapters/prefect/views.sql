-- Adapter: Prefect
-- The database of a Prefect server in SQLite. A run is a flow run, its parameters are its one row, and a token is a task run. The flow run
-- is the token from which the task runs come that take no result of another one.
-- Wants: task_run.task_inputs, task_run.flow_run_id, task_run_state.task_run_id, flow_run.state_type, flow_run.parameters
-- Derived: F1 F6 X1 C2 L5 L7 L9 the fate of a task run is its one state, and its children are those that took its result
-- Order: `seq` is made of times in microseconds.
-- Note: A task run that takes results of several others is read as their join. A task run that failed is no parent of it.

CREATE VIEW trail_step_run AS
SELECT id, state_type IN ('COMPLETED', 'FAILED', 'CANCELLED', 'CRASHED') AS ended, parameters FROM flow_run;

CREATE VIEW trail_step_input AS  -- which task run takes the result of which other one of its flow run
SELECT DISTINCT t.flow_run_id AS run, t.id AS child, p.id AS parent
FROM task_run AS t, json_each(t.task_inputs) AS parameter, json_each(parameter.value) AS given
JOIN task_run AS p ON p.id = json_extract(given.value, '$.id') AND p.flow_run_id = t.flow_run_id
WHERE json_extract(given.value, '$.input_type') = 'task_run' AND p.state_type = 'COMPLETED';

CREATE VIEW trail_step_edge AS  -- the same, with the flow run for task runs that take none; a result for several is split first
SELECT run, child, parent, fan_out, fan_in > 1 AS joined,
    CASE WHEN fan_in > 1 AND fan_out > 1 THEN parent || '>' || child ELSE parent END AS arrival
FROM (
    SELECT e.*, count(*) OVER (PARTITION BY run, parent) AS fan_out, count(*) OVER (PARTITION BY run, child) AS fan_in
    FROM (
        SELECT run, child, parent FROM trail_step_input
        UNION ALL
        SELECT flow_run_id, id, flow_run_id FROM task_run
        WHERE flow_run_id IS NOT NULL AND id NOT IN (SELECT child FROM trail_step_input)) AS e);

CREATE VIEW trail_runs AS SELECT id AS run, CASE WHEN ended THEN 'completed' ELSE 'running' END AS status, 1 AS rows FROM trail_step_run;

CREATE VIEW trail_rows AS SELECT id AS run, id AS "row", 'parameters' AS source, 0 AS idx, parameters AS digest FROM trail_step_run;

CREATE VIEW trail_tokens AS
SELECT id AS run, id AS "row", id AS token, NULL AS group_kind, NULL AS "group" FROM trail_step_run
UNION ALL
SELECT run, run, child, CASE WHEN joined THEN 'join' ELSE 'expand' END, CASE WHEN joined THEN child ELSE parent END
FROM trail_step_edge GROUP BY run, child
UNION ALL
SELECT run, run, arrival, 'expand', parent FROM trail_step_edge WHERE arrival <> parent;

CREATE VIEW trail_parents AS
SELECT run, child, arrival AS parent FROM trail_step_edge
UNION ALL SELECT run, arrival, parent FROM trail_step_edge WHERE arrival <> parent;

CREATE VIEW trail_step_state AS  -- the states of each task run in their order
SELECT t.flow_run_id AS run, s.task_run_id AS token, s.id, s.type, s.message, t.task_key,
    strftime('%s', substr(s.timestamp, 1, 19)) * 1000000 + substr(s.timestamp || '.000000', 21, 6) AS seq,
    row_number() OVER one AS place, lead(s.type) OVER one AS next,
    lead(strftime('%s', substr(s.timestamp, 1, 19)) * 1000000 + substr(s.timestamp || '.000000', 21, 6)) OVER one AS next_seq
FROM task_run_state AS s JOIN task_run AS t ON t.id = s.task_run_id WHERE t.flow_run_id IS NOT NULL
WINDOW one AS (PARTITION BY s.task_run_id ORDER BY s.timestamp);

CREATE VIEW trail_visits AS  -- a RUNNING state is an attempt, and the state after it is its end
SELECT run, id AS visit, token, task_key AS node, row_number() OVER (PARTITION BY token ORDER BY place) - 1 AS attempt,
    CASE WHEN next IS NULL THEN 'open' WHEN next = 'COMPLETED' THEN 'completed' WHEN next = 'PAUSED' THEN 'held' ELSE 'failed' END AS status,
    seq AS opened, next_seq AS closed, coalesce(next_seq, seq) AS seq
FROM trail_step_state WHERE type = 'RUNNING';

CREATE VIEW trail_outcomes AS
SELECT t.flow_run_id AS run, t.id AS token, CASE WHEN t.state_type IN ('FAILED', 'CRASHED') THEN 'failed'
        WHEN t.state_type = 'CANCELLED' THEN 'discarded' WHEN e.parent IS NULL THEN 'completed'
        WHEN e.arrival = e.parent AND e.joined THEN 'coalesced' ELSE 'expanded' END AS outcome,
    CASE WHEN t.state_type IN ('FAILED', 'CRASHED') THEN s.message END AS error,
    CASE WHEN e.arrival = e.parent AND e.joined THEN e.child ELSE e.parent END AS "group",
    CASE WHEN e.joined AND e.arrival = e.parent THEN NULL ELSE e.fan_out END AS promised, s.seq
FROM task_run AS t LEFT JOIN trail_step_edge AS e ON e.run = t.flow_run_id AND e.parent = t.id
LEFT JOIN trail_step_state AS s ON s.token = t.id AND s.next IS NULL
WHERE t.flow_run_id IS NOT NULL AND t.state_type IN ('COMPLETED', 'FAILED', 'CANCELLED', 'CRASHED') GROUP BY t.id
UNION ALL
SELECT run, arrival, 'coalesced', NULL, child, NULL, NULL FROM trail_step_edge WHERE arrival <> parent
UNION ALL
SELECT f.id, f.id, CASE WHEN e.run IS NULL THEN 'completed' ELSE 'expanded' END, NULL, e.parent, e.fan_out, NULL
FROM trail_step_run AS f LEFT JOIN trail_step_edge AS e ON e.run = f.id AND e.parent = f.id WHERE f.ended GROUP BY f.id;

-- Adapter: DBOS
-- The system database of DBOS Transact in SQLite. A run is a workflow that no workflow started, with all that it started; its input is
-- its one row. A token is a workflow. What a workflow does after it has the results of its children is a token too, named WORKFLOW>.
-- Wants: workflow_status.parent_workflow_id, operation_outputs.function_id, operation_outputs.child_workflow_id, workflow_input.inputs
-- Derived: F1 F2 C2 L5 L7 L9 V2 a workflow has one row with its state, its parent in a column, and steps that are counted
-- Note: A workflow goes on while its children run. It is read as three: it starts them, they run, and it goes on with their results.
-- Note: A child whose result nobody asked for ends by itself. A child that failed is no parent of what goes on.

CREATE VIEW trail_step_workflow AS  -- each workflow with the one that nobody started, above it
WITH RECURSIVE down(run, id, parent, name, status) AS (
    SELECT workflow_uuid, workflow_uuid, NULL, name, status FROM workflow_status AS w WHERE NOT EXISTS (
        SELECT 1 FROM workflow_status AS above WHERE above.workflow_uuid = w.parent_workflow_id)
    UNION
    SELECT d.run, w.workflow_uuid, d.id, w.name, w.status FROM down AS d JOIN workflow_status AS w ON w.parent_workflow_id = d.id)
SELECT run, id, parent, name, CASE WHEN status = 'SUCCESS' THEN 'completed' WHEN status = 'CANCELLED' THEN 'discarded'
        WHEN status IN ('ERROR', 'MAX_RECOVERY_ATTEMPTS_EXCEEDED') THEN 'failed'
        WHEN status NOT IN ('PENDING', 'ENQUEUED', 'DELAYED') THEN status END AS ended,
    EXISTS (SELECT 1 FROM workflow_status AS c WHERE c.parent_workflow_id = id) AS starts
FROM down;

CREATE VIEW trail_step_result AS  -- each result that a workflow asked a child of its own for, and got
SELECT DISTINCT c.run, c.id AS child, c.parent, max(o.function_id) OVER (PARTITION BY c.parent) AS last
FROM trail_step_workflow AS c
JOIN operation_outputs AS o ON o.workflow_uuid = c.parent AND o.child_workflow_id = c.id AND o.function_name = 'DBOS.getResult'
WHERE c.ended = 'completed' AND o.error IS NULL;

CREATE VIEW trail_runs AS
SELECT run, CASE WHEN count(*) = count(ended) THEN 'completed' ELSE 'running' END AS status, 1 AS rows
FROM trail_step_workflow GROUP BY run;

CREATE VIEW trail_rows AS
SELECT w.run, w.run AS "row", 'input' AS source, 0 AS idx, i.inputs AS digest
FROM trail_step_workflow AS w LEFT JOIN workflow_input AS i ON i.workflow_uuid = w.id WHERE w.id = w.run;

CREATE VIEW trail_tokens AS
SELECT run, run AS "row", id AS token, CASE WHEN parent IS NOT NULL THEN 'expand' END AS group_kind, parent AS "group"
FROM trail_step_workflow
UNION ALL
SELECT w.run, w.run, w.id || '>', CASE WHEN count(r.child) > 0 THEN 'join' ELSE 'expand' END,
    CASE WHEN count(r.child) > 0 THEN w.id || '>' ELSE w.id END
FROM trail_step_workflow AS w LEFT JOIN trail_step_result AS r ON r.parent = w.id WHERE w.starts GROUP BY w.run, w.id;

CREATE VIEW trail_parents AS
SELECT run, id AS child, parent FROM trail_step_workflow WHERE parent IS NOT NULL
UNION ALL
SELECT r.run, r.parent || '>', r.child || CASE WHEN w.starts THEN '>' ELSE '' END
FROM trail_step_result AS r JOIN trail_step_workflow AS w ON w.id = r.child
UNION ALL
SELECT w.run, w.id || '>', w.id FROM trail_step_workflow AS w
WHERE w.starts AND NOT EXISTS (SELECT 1 FROM trail_step_result AS r WHERE r.parent = w.id);

CREATE VIEW trail_outcomes AS  -- that of what a workflow ends as, and, if it started others, that it was split into them
SELECT w.run, w.id || CASE WHEN w.starts THEN '>' ELSE '' END AS token,
    CASE WHEN r.child IS NULL THEN w.ended ELSE 'coalesced' END AS outcome,
    CASE WHEN w.ended = 'failed' THEN coalesce(o.error, w.ended) END AS error, r.parent || '>' AS "group", NULL AS promised
FROM trail_step_workflow AS w LEFT JOIN trail_step_result AS r ON r.child = w.id
LEFT JOIN workflow_output AS o ON o.workflow_uuid = w.id
WHERE w.ended IS NOT NULL
UNION ALL
SELECT w.run, w.id, 'expanded', NULL, w.id, CASE WHEN w.ended IS NOT NULL THEN count(DISTINCT o.child_workflow_id) + NOT EXISTS (
        SELECT 1 FROM trail_step_result AS r WHERE r.parent = w.id) END
FROM trail_step_workflow AS w LEFT JOIN operation_outputs AS o
    ON o.workflow_uuid = w.id AND o.function_name NOT LIKE 'DBOS.%' AND o.child_workflow_id IS NOT NULL
WHERE w.starts GROUP BY w.run, w.id;

CREATE VIEW trail_visits AS  -- a step is called by its number in the workflow, since the workflow is replayed by these numbers
SELECT w.run, w.id || ':' || o.function_id AS visit, w.id || CASE WHEN w.starts AND o.function_id > coalesce((
        SELECT r.last FROM trail_step_result AS r WHERE r.parent = w.id), 0) THEN '>' ELSE '' END AS token,
    w.name || ':' || o.function_id || ':' || o.function_name AS node, CASE WHEN o.error IS NULL THEN 'completed' ELSE 'failed' END AS status,
    o.output AS digest_out
FROM trail_step_workflow AS w JOIN operation_outputs AS o ON o.workflow_uuid = w.id;

-- Adapter: nine outcomes
-- The audit schema of an engine family from February to April 2026: one column of outcomes, with is_terminal beside it.
-- Wants: token_outcomes.is_terminal, token_outcomes.expected_branches_json, node_states.step_index, tokens.fork_group_id
-- Versions: 0 to 29
-- Order: The order of events is derived from times in microseconds.
-- Note: Which transaction wrote a record is not recorded.
-- Note: Hops are not recorded; they are derived from one visit to the next, and a hop with no edge of the graph has no label.
-- Note: Barriers are not recorded; they are derived from merged tokens and from what failed at a coalesce. Lost branches are not recorded.
-- Note: A flush is recorded as a visit of the first member alone; what the other members did is derived from their membership.
-- Note: What an engine of this schema visits its source with is left out; here a source is not visited.
-- Note: A token of a transform-mode batch is consumed_in_batch when it is buffered. The flush is read as a visit that began then.
-- Profile: B3 In mode `single` one member of a batch goes on with the result; the others are consumed.
-- Profile: B5 The outputs of a batch are children of the token that triggered it, which is its last member.
-- Profile: C16 A late token is called late after a merge, also when its barrier had failed.
-- Profile: F8 Before May 2026 an outcome may have fields that say nothing of it.
-- Profile: T4 The edges to error and quarantine sinks are part of the graph only since February 2026.

CREATE VIEW trail_runs AS
SELECT run_id AS run,
    CASE WHEN status IN ('completed', 'completed_with_failures', 'empty') THEN 'completed'
        ELSE status END AS status
FROM runs;

CREATE VIEW trail_nodes AS
SELECT run_id AS run, node_id AS node, node_type AS kind, CASE WHEN NOT json_valid(config_json) THEN '{}'
    WHEN node_type = 'coalesce' THEN json_object(
        'policy', json_extract(config_json, '$.policy'),
        'branches', (SELECT json_group_array(CASE WHEN typeof(b.key) = 'text' THEN b.key ELSE b.value END)
            FROM json_each(config_json, '$.branches') AS b),
        'quorum_count', json_extract(config_json, '$.quorum_count'),
        'timeout_seconds', json_extract(config_json, '$.timeout_seconds'),
        'merge', json_extract(config_json, '$.merge'),
        'select_branch', json_extract(config_json, '$.select_branch'),
        'collisions', coalesce(json_extract(config_json, '$.union_collision_policy'), 'last_wins'))
    WHEN node_type = 'aggregation' THEN json_object(
        'mode', json_extract(config_json, '$.output_mode'),
        'count', json_extract(config_json, '$.trigger.count'),
        'timeout_seconds', json_extract(config_json, '$.trigger.timeout_seconds'),
        'condition', json_extract(config_json, '$.trigger.condition'))
    ELSE '{}' END AS config
FROM nodes;

CREATE VIEW trail_edges AS
SELECT run_id AS run, from_node_id AS src, CASE WHEN label LIKE '\_\_%' ESCAPE '\' THEN 'on_error'
    WHEN label = 'on_success' THEN 'continue' ELSE label END AS label, to_node_id AS dst
FROM edges;

CREATE VIEW trail_rows AS
SELECT run_id AS run, row_id AS row, source_node_id AS source, row_index AS idx, source_data_hash AS digest,
    (strftime('%s', substr(created_at, 1, 19)) * 1000000 + substr(created_at || '.000000', 21, 6)) AS seq, rowid AS part
FROM rows;

CREATE VIEW trail_tokens AS
SELECT r.run_id AS run, t.row_id AS row, t.token_id AS token, t.branch_name AS branch,
    CASE WHEN (t.fork_group_id IS NOT NULL) + (t.join_group_id IS NOT NULL) + (t.expand_group_id IS NOT NULL) > 1 THEN 'several'
        WHEN t.fork_group_id IS NOT NULL THEN 'fork' WHEN t.join_group_id IS NOT NULL THEN 'join'
        WHEN b.batch_id IS NOT NULL THEN 'batch' WHEN t.expand_group_id IS NOT NULL THEN 'expand' END AS group_kind,
    coalesce(t.fork_group_id, t.join_group_id, b.batch_id, t.expand_group_id) AS "group",
    (strftime('%s', substr(t.created_at, 1, 19)) * 1000000 + substr(t.created_at || '.000000', 21, 6)) AS seq, r.rowid AS part
FROM tokens AS t LEFT JOIN rows AS r ON r.row_id = t.row_id
LEFT JOIN token_parents AS p ON t.expand_group_id IS NOT NULL AND p.token_id = t.token_id
LEFT JOIN token_outcomes AS b ON b.token_id = p.parent_token_id AND b.outcome = 'consumed_in_batch';

CREATE VIEW trail_parents AS
SELECT r.run_id AS run, p.token_id AS child, p.parent_token_id AS parent,
    CASE WHEN t.join_group_id IS NULL THEN p.ordinal END AS ordinal, r.rowid AS part
FROM token_parents AS p LEFT JOIN tokens AS t ON t.token_id = p.token_id LEFT JOIN rows AS r ON r.row_id = t.row_id;

CREATE VIEW trail_visits AS
SELECT s.run_id AS run, s.state_id AS visit, s.token_id AS token, s.node_id AS node, s.attempt,
    CASE WHEN s.status = 'open' AND n.node_type = 'coalesce' THEN 'held' WHEN s.status = 'pending' THEN 'open'
        ELSE s.status END AS status,
    CASE WHEN n.node_type <> 'aggregation' THEN s.input_hash END AS digest_in,
    CASE WHEN n.node_type NOT IN ('aggregation', 'coalesce', 'sink') THEN s.output_hash END AS digest_out,
    CASE WHEN n.node_type = 'aggregation' THEN min((strftime('%s', substr(s.started_at, 1, 19)) * 1000000 + substr(s.started_at || '.000000', 21, 6)), coalesce((  -- it was there since it was buffered
        SELECT min((strftime('%s', substr(o.recorded_at, 1, 19)) * 1000000 + substr(o.recorded_at || '.000000', 21, 6))) FROM token_outcomes AS o
        WHERE o.token_id = s.token_id AND o.batch_id IS NOT NULL), (strftime('%s', substr(s.started_at, 1, 19)) * 1000000 + substr(s.started_at || '.000000', 21, 6))))
        ELSE (strftime('%s', substr(s.started_at, 1, 19)) * 1000000 + substr(s.started_at || '.000000', 21, 6)) END AS opened,
    (strftime('%s', substr(s.completed_at, 1, 19)) * 1000000 + substr(s.completed_at || '.000000', 21, 6)) AS closed,
    coalesce((strftime('%s', substr(s.completed_at, 1, 19)) * 1000000 + substr(s.completed_at || '.000000', 21, 6)), (strftime('%s', substr(s.started_at, 1, 19)) * 1000000 + substr(s.started_at || '.000000', 21, 6))) AS seq, r.rowid AS part
FROM node_states AS s LEFT JOIN nodes AS n ON n.run_id = s.run_id AND n.node_id = s.node_id
LEFT JOIN tokens AS t ON t.token_id = s.token_id LEFT JOIN rows AS r ON r.row_id = t.row_id
WHERE n.node_type IS NOT 'source'
UNION ALL                   -- a flush is a visit of the first member alone; the others' are derived from their membership
SELECT b.run_id, m.batch_id || '/' || m.token_id, m.token_id, b.aggregation_node_id, 0,
    CASE WHEN b.status IN ('completed', 'failed') THEN b.status ELSE 'open' END, NULL, NULL,
    (SELECT min((strftime('%s', substr(o.recorded_at, 1, 19)) * 1000000 + substr(o.recorded_at || '.000000', 21, 6))) FROM token_outcomes AS o WHERE o.token_id = m.token_id AND o.batch_id = m.batch_id),
    (strftime('%s', substr(b.completed_at, 1, 19)) * 1000000 + substr(b.completed_at || '.000000', 21, 6)), (strftime('%s', substr(b.completed_at, 1, 19)) * 1000000 + substr(b.completed_at || '.000000', 21, 6)), r.rowid
FROM batch_members AS m JOIN batches AS b ON b.batch_id = m.batch_id
LEFT JOIN tokens AS t ON t.token_id = m.token_id LEFT JOIN rows AS r ON r.row_id = t.row_id
WHERE NOT EXISTS (
    SELECT 1 FROM node_states AS s WHERE s.token_id = m.token_id AND s.node_id = b.aggregation_node_id);

CREATE VIEW trail_hops AS
WITH
steps AS (                  -- the nodes that a token visited, one after the other, and the last attempt at each
    SELECT run, token, node, opened, closed, status, visit, part,
        row_number() OVER (PARTITION BY part, run, token, node ORDER BY attempt DESC, opened DESC) AS back,
        min(opened) OVER (PARTITION BY part, run, token, node) AS first_opened
    FROM trail_visits
),
moves AS (
    SELECT run, token, node AS dst, first_opened AS opened, part, lag(node) OVER one AS src, lag(visit) OVER one AS from_visit,
        lag(closed) OVER one AS left_at, lag(status) OVER one AS status
    FROM steps WHERE back = 1 WINDOW one AS (PARTITION BY part, run, token ORDER BY first_opened)
)
SELECT m.run, m.token, m.from_visit, m.src,
    coalesce(
        (SELECT CASE WHEN e.label LIKE '\_\_%' ESCAPE '\' THEN 'on_error' WHEN e.label = 'on_success' THEN 'continue'
                ELSE e.label END
            FROM routing_events AS v JOIN edges AS e ON e.edge_id = v.edge_id
            WHERE v.state_id = m.from_visit AND e.to_node_id = m.dst ORDER BY v.ordinal LIMIT 1),
        (SELECT e.label FROM trail_edges AS e WHERE e.run = m.run AND e.src = m.src AND e.dst = m.dst
            AND (e.label = 'on_error') = (m.status = 'failed') ORDER BY e.label LIMIT 1),
        CASE WHEN m.status = 'failed' THEN 'on_error' END) AS label,
    m.dst, coalesce(m.left_at, m.opened) AS seq, m.part
FROM moves AS m WHERE m.src IS NOT NULL
UNION ALL
SELECT m.run, m.token, NULL, o.src,
    CASE WHEN t.fork_group_id IS NOT NULL AND EXISTS (
            SELECT 1 FROM edges AS e WHERE e.run_id = m.run AND e.from_node_id = o.src AND e.label = t.branch_name)
        THEN t.branch_name
        ELSE coalesce(
            (SELECT e.label FROM trail_edges AS e WHERE e.run = m.run AND e.src = o.src AND e.dst = m.dst
                ORDER BY e.label = 'on_error' LIMIT 1),
            (SELECT 'on_error' FROM trail_outcomes AS q WHERE q.token = m.token AND q.outcome = 'quarantined' LIMIT 1)) END,
    m.dst, (strftime('%s', substr(t.created_at, 1, 19)) * 1000000 + substr(t.created_at || '.000000', 21, 6)), m.part
FROM moves AS m JOIN tokens AS t ON t.token_id = m.token JOIN (
    SELECT t.token_id, coalesce(
        (SELECT b.aggregation_node_id FROM token_parents AS p
            JOIN token_outcomes AS c ON c.token_id = p.parent_token_id AND c.batch_id IS NOT NULL
            JOIN batches AS b ON b.batch_id = c.batch_id
            WHERE p.token_id = t.token_id AND t.expand_group_id IS NOT NULL LIMIT 1),
        (SELECT v.node_id FROM token_parents AS p JOIN node_states AS v ON v.token_id = p.parent_token_id
            WHERE p.token_id = t.token_id ORDER BY v.started_at DESC LIMIT 1), r.source_node_id) AS src
    FROM tokens AS t JOIN rows AS r ON r.row_id = t.row_id
) AS o ON o.token_id = m.token
WHERE m.src IS NULL;

CREATE VIEW trail_outcomes AS
SELECT o.run_id AS run, o.token_id AS token,
    CASE o.outcome WHEN 'routed' THEN CASE WHEN failed.state_id IS NULL THEN 'routed' ELSE 'diverted' END
        WHEN 'routed_on_error' THEN 'diverted' WHEN 'dropped_by_filter' THEN 'discarded' ELSE o.outcome END AS outcome,
    coalesce(n.node_id, o.sink_name) AS sink,
    CASE WHEN o.error_hash IS NULL AND o.outcome IN ('routed', 'routed_on_error') THEN failed.error_json
        ELSE o.error_hash END AS error,
    CASE WHEN o.outcome = 'failed' THEN substr(why.reason, 1, instr(why.reason || ':', ':') - 1)
        WHEN o.outcome = 'dropped_by_filter' THEN 'filtered' END AS reason,
    o.batch_id AS batch,
    CASE o.outcome WHEN 'forked' THEN o.fork_group_id WHEN 'coalesced' THEN o.join_group_id
        WHEN 'expanded' THEN o.expand_group_id END AS "group",
    CASE WHEN o.outcome = 'forked' AND json_valid(o.expected_branches_json)
            THEN (SELECT group_concat(b.value, ',') FROM json_each(o.expected_branches_json) AS b)
        WHEN o.outcome = 'expanded' AND json_valid(o.expected_branches_json)
            THEN json_extract(o.expected_branches_json, '$.count') END AS promised,
    (strftime('%s', substr(o.recorded_at, 1, 19)) * 1000000 + substr(o.recorded_at || '.000000', 21, 6)) AS seq, r.rowid AS part
FROM token_outcomes AS o LEFT JOIN tokens AS t ON t.token_id = o.token_id LEFT JOIN rows AS r ON r.row_id = t.row_id
LEFT JOIN nodes AS n ON n.run_id = o.run_id AND n.node_type = 'sink'
    AND substr(n.node_id, 1, length(n.node_id) - 13) = 'sink_' || o.sink_name
LEFT JOIN node_states AS failed ON o.outcome = 'routed' AND failed.token_id = o.token_id AND failed.status = 'failed'
    AND NOT EXISTS (SELECT 1 FROM node_states AS again WHERE again.token_id = failed.token_id
        AND again.node_id = failed.node_id AND again.attempt > failed.attempt)
LEFT JOIN (
    SELECT token_id, json_extract(error_json, '$.failure_reason') AS reason FROM node_states
    WHERE status = 'failed' AND json_valid(error_json)
) AS why ON o.outcome = 'failed' AND why.token_id = o.token_id AND why.reason IS NOT NULL
WHERE o.outcome <> 'buffered'
UNION ALL
SELECT b.run_id, m.token_id, 'buffered', NULL, NULL, NULL, m.batch_id, NULL, NULL, (SELECT min((strftime('%s', substr(o.recorded_at, 1, 19)) * 1000000 + substr(o.recorded_at || '.000000', 21, 6))) FROM token_outcomes AS o
        WHERE o.token_id = m.token_id AND o.batch_id = m.batch_id AND o.outcome = 'buffered'), r.rowid
FROM batch_members AS m LEFT JOIN batches AS b ON b.batch_id = m.batch_id
LEFT JOIN tokens AS t ON t.token_id = m.token_id LEFT JOIN rows AS r ON r.row_id = t.row_id;

CREATE VIEW trail_barriers AS
SELECT r.run_id AS run, at.node_id || '/' || (
        SELECT p.fork_group_id FROM token_parents AS l JOIN tokens AS p ON p.token_id = l.parent_token_id
        WHERE l.token_id = t.token_id AND p.fork_group_id IS NOT NULL LIMIT 1) AS barrier, at.node_id AS node,
    (SELECT p.fork_group_id FROM token_parents AS l JOIN tokens AS p ON p.token_id = l.parent_token_id
        WHERE l.token_id = t.token_id AND p.fork_group_id IS NOT NULL LIMIT 1) AS fork_group,
    'merged' AS verdict, NULL AS reason,
    (SELECT group_concat(p.branch_name, ',') FROM token_parents AS l JOIN tokens AS p ON p.token_id = l.parent_token_id
        WHERE l.token_id = t.token_id) AS arrived, t.token_id AS result,
    (strftime('%s', substr(t.created_at, 1, 19)) * 1000000 + substr(t.created_at || '.000000', 21, 6)) AS seq, r.rowid AS part
FROM rows AS r CROSS JOIN tokens AS t ON t.row_id = r.row_id
LEFT JOIN node_states AS at ON at.state_id = (
    SELECT s.state_id FROM token_parents AS l CROSS JOIN node_states AS s ON s.token_id = l.parent_token_id
    CROSS JOIN nodes AS n ON n.run_id = s.run_id AND n.node_id = s.node_id AND n.node_type = 'coalesce'
    WHERE l.token_id = t.token_id LIMIT 1)
WHERE t.join_group_id IS NOT NULL
UNION ALL
SELECT s.run_id, s.node_id || '/' || t.fork_group_id, s.node_id, t.fork_group_id, 'failed',
    substr(json_extract(s.error_json, '$.failure_reason'), 1, instr(json_extract(s.error_json, '$.failure_reason') || ':', ':') - 1),
    (SELECT group_concat(u.branch_name, ',') FROM tokens AS u CROSS JOIN node_states AS v ON v.token_id = u.token_id
        WHERE u.row_id = r.row_id AND u.fork_group_id = t.fork_group_id AND v.node_id = s.node_id AND v.status = 'failed'
            AND CASE WHEN json_valid(v.error_json) THEN json_extract(v.error_json, '$.failure_reason') END NOT LIKE 'late_arrival%'), NULL,
    (strftime('%s', substr(s.completed_at, 1, 19)) * 1000000 + substr(s.completed_at || '.000000', 21, 6)), r.rowid
FROM rows AS r CROSS JOIN tokens AS t ON t.row_id = r.row_id
CROSS JOIN node_states AS s ON s.token_id = t.token_id
CROSS JOIN nodes AS n ON n.run_id = s.run_id AND n.node_id = s.node_id AND n.node_type = 'coalesce'
WHERE s.status = 'failed' AND t.fork_group_id IS NOT NULL
    AND CASE WHEN json_valid(s.error_json) THEN json_extract(s.error_json, '$.failure_reason') END NOT LIKE 'late_arrival%'
    AND NOT EXISTS (        -- the barrier is told once, by the held token that was closed first
        SELECT 1 FROM tokens AS u CROSS JOIN node_states AS v ON v.token_id = u.token_id
        WHERE u.row_id = r.row_id AND u.fork_group_id = t.fork_group_id AND v.node_id = s.node_id AND v.status = 'failed'
            AND CASE WHEN json_valid(v.error_json) THEN json_extract(v.error_json, '$.failure_reason') END NOT LIKE 'late_arrival%'
            AND (v.completed_at < s.completed_at OR v.completed_at = s.completed_at AND v.state_id < s.state_id))
UNION ALL                   -- no branch had arrived, and by the policy what was lost was too much
SELECT x.run, x.barrier, n.node_id, substr(x.barrier, instr(x.barrier, '/') + 1), 'failed', NULL, '', NULL, 1000 * x.at, x.part
FROM (
    SELECT *, row_number() OVER (PARTITION BY part, run, barrier ORDER BY at, token) AS nth FROM trail_losses
) AS x CROSS JOIN nodes AS n ON n.run_id = x.run AND n.node_id = substr(x.barrier, 1, instr(x.barrier, '/') - 1)
WHERE json_valid(n.config_json)
    AND CASE json_extract(n.config_json, '$.policy') WHEN 'require_all' THEN 1 ELSE
        (SELECT count(*) FROM json_each(n.config_json, '$.branches'))
        - CASE json_extract(n.config_json, '$.policy') WHEN 'quorum' THEN json_extract(n.config_json, '$.quorum_count') ELSE 1 END
        + 1 END = x.nth     -- this loss is the one that was too much
    AND NOT EXISTS (
        SELECT 1 FROM tokens AS u CROSS JOIN token_parents AS l ON l.parent_token_id = u.token_id
        CROSS JOIN tokens AS m ON m.token_id = l.token_id AND m.join_group_id IS NOT NULL
        WHERE u.row_id = (SELECT r.row_id FROM rows AS r WHERE r.rowid = x.part)
            AND u.fork_group_id = substr(x.barrier, instr(x.barrier, '/') + 1))
    AND NOT EXISTS (
        SELECT 1 FROM tokens AS u CROSS JOIN node_states AS v ON v.token_id = u.token_id
        WHERE u.row_id = (SELECT r.row_id FROM rows AS r WHERE r.rowid = x.part)
            AND u.fork_group_id = substr(x.barrier, instr(x.barrier, '/') + 1) AND v.node_id = n.node_id AND v.status = 'failed'
            AND CASE WHEN json_valid(v.error_json) THEN json_extract(v.error_json, '$.failure_reason') END NOT LIKE 'late_arrival%');

CREATE VIEW trail_losses AS
SELECT NULL AS run, NULL AS barrier, NULL AS branch, NULL AS token, NULL AS reason, NULL AS at, NULL AS part WHERE false;

CREATE VIEW trail_batches AS
SELECT run_id AS run, batch_id AS batch, aggregation_node_id AS node, trigger_type AS "trigger",
    CASE status WHEN 'draft' THEN 'open' WHEN 'executing' THEN 'triggered' ELSE status END AS status
FROM batches;

CREATE VIEW trail_members AS
SELECT b.run_id AS run, m.batch_id AS batch, m.token_id AS token, m.ordinal, r.rowid AS part
FROM batch_members AS m LEFT JOIN batches AS b ON b.batch_id = m.batch_id
LEFT JOIN tokens AS t ON t.token_id = m.token_id LEFT JOIN rows AS r ON r.row_id = t.row_id;

CREATE VIEW trail_strays AS
SELECT o.run_id AS run, 'outcomes' AS rec FROM token_outcomes AS o WHERE o.run_id NOT IN (SELECT run_id FROM runs)
UNION ALL
SELECT s.run_id, 'visits' FROM node_states AS s WHERE s.run_id NOT IN (SELECT run_id FROM runs)
UNION ALL
SELECT w.run_id, 'rows' FROM rows AS w WHERE w.run_id NOT IN (SELECT run_id FROM runs);

-- Adapter: outcome and path, early
-- The audit schema of the same family since May 2026: whether an outcome is completed, its result, and its path.
-- Like: nine-outcomes
-- Wants: token_outcomes.path, token_outcomes.completed, node_states.step_index, tokens.run_id, !coalesce_branch_losses, !rows.source_row_index

CREATE VIEW trail_tokens AS
SELECT t.run_id AS run, t.row_id AS row, t.token_id AS token, t.branch_name AS branch,
    CASE WHEN (t.fork_group_id IS NOT NULL) + (t.join_group_id IS NOT NULL) + (t.expand_group_id IS NOT NULL) > 1 THEN 'several'
        WHEN t.fork_group_id IS NOT NULL THEN 'fork' WHEN t.join_group_id IS NOT NULL THEN 'join'
        WHEN b.batch_id IS NOT NULL THEN 'batch' WHEN t.expand_group_id IS NOT NULL THEN 'expand' END AS group_kind,
    coalesce(t.fork_group_id, t.join_group_id, b.batch_id, t.expand_group_id) AS "group",
    (strftime('%s', substr(t.created_at, 1, 19)) * 1000000 + substr(t.created_at || '.000000', 21, 6)) AS seq, r.rowid AS part
FROM tokens AS t LEFT JOIN rows AS r ON r.row_id = t.row_id
LEFT JOIN token_parents AS p ON t.expand_group_id IS NOT NULL AND p.token_id = t.token_id
LEFT JOIN token_outcomes AS b ON b.token_id = p.parent_token_id AND b.path = 'batch_consumed';

CREATE VIEW trail_outcomes AS
SELECT o.run_id AS run, o.token_id AS token,
    CASE o.path WHEN 'default_flow' THEN 'completed' WHEN 'gate_routed' THEN 'routed' WHEN 'gate_discarded' THEN 'discarded'
        WHEN 'on_error_routed' THEN 'diverted' WHEN 'filter_dropped' THEN 'discarded'
        WHEN 'coalesced' THEN CASE WHEN o.sink_name IS NULL THEN 'coalesced' ELSE 'completed' END
        WHEN 'unrouted' THEN 'failed' WHEN 'quarantined_at_source' THEN 'quarantined'
        WHEN 'sink_fallback_to_failsink' THEN 'diverted' WHEN 'sink_discarded' THEN 'quarantined'
        WHEN 'fork_parent' THEN 'forked' WHEN 'expand_parent' THEN 'expanded' WHEN 'batch_consumed' THEN 'consumed_in_batch'
        ELSE o.path END AS outcome,
    coalesce(n.node_id, o.sink_name) AS sink, o.error_hash AS error,
    CASE o.path WHEN 'gate_discarded' THEN 'gate_discard' WHEN 'filter_dropped' THEN 'filtered'
        WHEN 'unrouted' THEN substr(why.reason, 1, instr(why.reason || ':', ':') - 1) END AS reason,
    CASE WHEN o.path = 'filter_dropped' THEN (  -- an empty batch drops its members, and this schema forbids naming it
            SELECT b.batch_id FROM batch_members AS m CROSS JOIN batches AS b ON b.batch_id = m.batch_id
            WHERE m.token_id = o.token_id AND b.status = 'completed' AND NOT EXISTS (
                SELECT 1 FROM node_states AS later WHERE later.token_id = o.token_id AND later.started_at > b.completed_at))
        ELSE o.batch_id END AS batch,
    CASE o.path WHEN 'fork_parent' THEN o.fork_group_id WHEN 'expand_parent' THEN o.expand_group_id
        WHEN 'coalesced' THEN CASE WHEN o.sink_name IS NULL THEN o.join_group_id END END AS "group",
    CASE WHEN o.path = 'fork_parent' AND json_valid(o.expected_branches_json)
            THEN (SELECT group_concat(b.value, ',') FROM json_each(o.expected_branches_json) AS b)
        WHEN o.path = 'expand_parent' AND json_valid(o.expected_branches_json)
            THEN json_extract(o.expected_branches_json, '$.count') END AS promised,
    (strftime('%s', substr(o.recorded_at, 1, 19)) * 1000000 + substr(o.recorded_at || '.000000', 21, 6)) AS seq, r.rowid AS part
FROM token_outcomes AS o LEFT JOIN tokens AS t ON t.token_id = o.token_id LEFT JOIN rows AS r ON r.row_id = t.row_id
LEFT JOIN nodes AS n ON n.run_id = o.run_id AND n.node_type = 'sink'
    AND substr(n.node_id, 1, length(n.node_id) - 13) = 'sink_' || o.sink_name
LEFT JOIN (
    SELECT token_id, json_extract(error_json, '$.failure_reason') AS reason FROM node_states
    WHERE status = 'failed' AND json_valid(error_json)
) AS why ON o.path = 'unrouted' AND why.token_id = o.token_id AND why.reason IS NOT NULL
WHERE o.path <> 'buffered'
UNION ALL
SELECT b.run_id, m.token_id, 'buffered', NULL, NULL, NULL, m.batch_id, NULL, NULL, (SELECT min((strftime('%s', substr(o.recorded_at, 1, 19)) * 1000000 + substr(o.recorded_at || '.000000', 21, 6))) FROM token_outcomes AS o
        WHERE o.token_id = m.token_id AND o.batch_id = m.batch_id AND o.path = 'buffered'), r.rowid
FROM batch_members AS m LEFT JOIN batches AS b ON b.batch_id = m.batch_id
LEFT JOIN tokens AS t ON t.token_id = m.token_id LEFT JOIN rows AS r ON r.row_id = t.row_id;

-- Adapter: outcome and path
-- The same schema since it records lost branches, and the place of a row in its source.
-- Like: outcome-and-path-early
-- Wants: token_outcomes.path, token_outcomes.completed, node_states.step_index, tokens.run_id, coalesce_branch_losses.reason
-- Note: A lost branch is recorded; that a barrier failed before anything had arrived is derived from its losses.

CREATE VIEW trail_rows AS
SELECT run_id AS run, row_id AS row, source_node_id AS source, source_row_index AS idx, source_data_hash AS digest,
    (strftime('%s', substr(created_at, 1, 19)) * 1000000 + substr(created_at || '.000000', 21, 6)) AS seq, rowid AS part
FROM rows;

CREATE VIEW trail_losses AS
SELECT x.run_id AS run, n.node_id || '/' || t.fork_group_id AS barrier, x.branch_name AS branch, x.token_id AS token,
    CASE substr(x.reason, 1, instr(x.reason || ':', ':') - 1) WHEN 'error_routed' THEN 'diverted'
        WHEN 'gate_routed_to_sink' THEN 'routed' WHEN 'gate_discarded' THEN 'discarded' WHEN 'dropped_by_filter' THEN 'discarded'
        WHEN 'max_retries_exceeded' THEN 'failed' ELSE substr(x.reason, 1, instr(x.reason || ':', ':') - 1) END AS reason,
    (strftime('%s', substr(x.recorded_at, 1, 19)) * 1000000 + substr(x.recorded_at || '.000000', 21, 6)) / 1000 AS at, r.rowid AS part
FROM coalesce_branch_losses AS x LEFT JOIN nodes AS n ON n.run_id = x.run_id AND n.node_type = 'coalesce'
    AND substr(n.node_id, 1, length(n.node_id) - 13) = 'coalesce_' || x.coalesce_name
LEFT JOIN tokens AS t ON t.token_id = x.token_id LEFT JOIN rows AS r ON r.row_id = t.row_id;

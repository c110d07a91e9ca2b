-- Adapter: outcome and path, early
-- The same schema before lost branches were recorded, and before a row had its place in its source.
-- Like: outcome-and-path
-- Wants: token_outcomes.path, token_outcomes.completed, node_states.step_index, tokens.run_id, !coalesce_branch_losses, !rows.source_row_index

CREATE VIEW trail_rows AS
SELECT run_id AS run, row_id AS row, source_node_id AS source, row_index AS idx, source_data_hash AS digest,
    (strftime('%s', substr(created_at, 1, 19)) * 1000000 + substr(created_at || '.000000', 21, 6)) AS seq, rowid AS part
FROM rows;

CREATE VIEW trail_losses AS
SELECT NULL AS run, NULL AS barrier, NULL AS branch, NULL AS token, NULL AS reason, NULL AS at, NULL AS part WHERE false;

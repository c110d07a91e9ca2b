-- Adapter: nine outcomes, January
-- The same schema before a forked or expanded token recorded what it promised.
-- Like: nine-outcomes
-- Wants: token_outcomes.is_terminal, !token_outcomes.expected_branches_json, node_states.step_index, tokens.fork_group_id

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
SELECT b.run_id, m.token_id, 'buffered', NULL, NULL, NULL, m.batch_id, NULL, (SELECT min((strftime('%s', substr(o.recorded_at, 1, 19)) * 1000000 + substr(o.recorded_at || '.000000', 21, 6))) FROM token_outcomes AS o
        WHERE o.token_id = m.token_id AND o.batch_id = m.batch_id AND o.outcome = 'buffered'), r.rowid
FROM batch_members AS m LEFT JOIN batches AS b ON b.batch_id = m.batch_id
LEFT JOIN tokens AS t ON t.token_id = m.token_id LEFT JOIN rows AS r ON r.row_id = t.row_id;


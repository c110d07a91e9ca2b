-- settings: the configuration of each node, one column for each setting; NULL if it is not set or the configuration is no JSON.
-- Of the graph. Key: run, node
SELECT run, node, kind,
    json_extract(config, '$.policy') AS policy,
    json_extract(config, '$.quorum_count') AS quorum,
    json_extract(config, '$.timeout_seconds') AS timeout,
    json_extract(config, '$.merge') AS merge,
    json_extract(config, '$.select_branch') AS select_branch,
    coalesce(json_extract(config, '$.collisions'), 'last_wins') AS collisions,
    CASE WHEN kind = 'gate' THEN coalesce(json_extract(config, '$.attempts'), 1) ELSE json_extract(config, '$.attempts') END AS attempts,
    json_extract(config, '$.expands') AS expands,
    json_extract(config, '$.mode') AS mode,
    json_extract(config, '$.count') AS count_trigger,
    json_extract(config, '$.condition') AS condition_trigger,
    CASE WHEN json_type(config, '$.branches') = 'array' THEN json_array_length(config, '$.branches') END AS n,
    json_extract(config, '$.branches') AS branches, configured
FROM (
    SELECT run, node, kind, coalesce(json_valid(config), 0) AS configured,
        CASE WHEN json_valid(config) THEN config ELSE '{}' END AS config
    FROM trail_nodes
)

-- Adapter: Fateline
-- The landscape of the reference engine, in place: the views of the engine, and beside them the number of the row.
-- Whole: The engine records every column of every relation.
-- Wants: runs.last_tx, rows.valid, tokens.frame, parents.parent_row, visits.opened_tx, fates.merged, barriers.fork, members.batch

CREATE VIEW trail_runs AS SELECT id AS run, pipeline, status, rows, seq, tx, at FROM runs;

CREATE VIEW trail_nodes AS
SELECT r.id AS run, n.name AS node, n.kind, n.config FROM nodes AS n JOIN runs AS r USING (run);

CREATE VIEW trail_edges AS
SELECT r.id AS run, s.name AS src, e.label, d.name AS dst
FROM edges AS e JOIN runs AS r USING (run)
JOIN nodes AS s ON s.run = e.run AND s.node = e.src JOIN nodes AS d ON d.run = e.run AND d.node = e.dst;

CREATE VIEW trail_rows AS
SELECT r.id AS run, CAST(x.row AS TEXT) AS row, n.name AS source, x.idx, hex(x.digest) AS digest, x.seq, x.tx, x.at,
    x.row AS part
FROM runs AS r CROSS JOIN rows AS x ON x.run = r.run JOIN nodes AS n ON n.run = x.run AND n.node = x.source;

CREATE VIEW trail_tokens AS
SELECT r.id AS run, CAST(t.row AS TEXT) AS row, t.row || ':' || t.token AS token, t.branch, t.group_kind,
    CASE t.group_kind WHEN 'join' THEN t.row || ':' || t.token WHEN 'batch' THEN n.name || '#' || t.batch
        ELSE t.row || ':' || t.parent END AS "group",
    t.seq, t.tx, t.at, t.row AS part
FROM runs AS r CROSS JOIN tokens AS t ON t.run = r.run LEFT JOIN nodes AS n ON n.run = t.run AND n.node = t.batch_node;

CREATE VIEW trail_parents AS
SELECT r.id AS run, p.row || ':' || p.child AS child, p.parent_row || ':' || p.parent AS parent, p.ordinal,
    p.seq, p.tx, p.at, p.row AS part
FROM runs AS r CROSS JOIN parents AS p ON p.run = r.run;

CREATE VIEW trail_visits AS
SELECT r.id AS run, v.row || ':' || v.token || '@' || n.name || '#' || v.attempt AS visit,
    v.row || ':' || v.token AS token, n.name AS node, v.attempt, v.status, v.verdict,
    hex(v.digest_in) AS digest_in, nullif(hex(v.digest_out), '') AS digest_out, v.opened, v.closed,
    coalesce(v.closed, v.opened) AS seq, v.tx, v.at, v.row AS part
FROM runs AS r CROSS JOIN visits AS v ON v.run = r.run JOIN nodes AS n ON n.run = v.run AND n.node = v.node;

CREATE VIEW trail_hops AS
SELECT r.id AS run, t.row || ':' || t.token AS token, NULL AS from_visit, s.name AS src, e.label, d.name AS dst,
    t.seq + 1 AS seq, t.tx, t.at, t.row AS part
FROM runs AS r CROSS JOIN tokens AS t ON t.run = r.run JOIN edges AS e ON e.run = t.run AND e.edge = t.edge
JOIN nodes AS s ON s.run = e.run AND s.node = e.src JOIN nodes AS d ON d.run = e.run AND d.node = e.dst
UNION ALL
SELECT r.id, v.row || ':' || v.token, v.row || ':' || v.token || '@' || s.name || '#' || v.attempt,
    s.name, e.label, d.name, v.closed + 1, v.tx, v.at, v.row
FROM runs AS r CROSS JOIN visits AS v ON v.run = r.run JOIN edges AS e ON e.run = v.run AND e.edge = v.edge
JOIN nodes AS s ON s.run = e.run AND s.node = e.src JOIN nodes AS d ON d.run = e.run AND d.node = e.dst;

CREATE VIEW trail_outcomes AS
SELECT r.id AS run, f.row || ':' || f.token AS token, f.outcome, s.name AS sink, nullif(hex(f.error), '') AS error,
    f.reason, b.name || '#' || f.batch AS batch,
    CASE f.outcome WHEN 'coalesced' THEN f.row || ':' || f.merged
        WHEN 'forked' THEN f.row || ':' || f.token WHEN 'expanded' THEN f.row || ':' || f.token END AS "group",
    CASE f.outcome WHEN 'forked' THEN (SELECT group_concat(value, ',') FROM json_each(CASE WHEN json_valid(f.promised) THEN f.promised ELSE json_array(f.promised) END))
        ELSE f.promised END AS promised,
    f.seq, f.tx, f.at, f.row AS part
FROM runs AS r CROSS JOIN fates AS f ON f.run = r.run
LEFT JOIN nodes AS s ON s.run = f.run AND s.node = f.sink LEFT JOIN nodes AS b ON b.run = f.run AND b.node = f.batch_node
UNION ALL
SELECT r.id, m.row || ':' || m.token, 'buffered', NULL, NULL, NULL, n.name || '#' || m.batch, NULL, NULL,
    m.seq + 1, m.tx, m.at, m.row
FROM runs AS r CROSS JOIN members AS m ON m.run = r.run JOIN nodes AS n ON n.run = m.run AND n.node = m.node;

CREATE VIEW trail_barriers AS
SELECT r.id AS run, n.name || '/' || b.row || ':' || b.fork AS barrier, n.name AS node,
    b.row || ':' || b.fork AS fork_group, b.verdict, b.reason, b.trigger, b.arrived, b.lost, b.first_at, b.decided_at,
    b.row || ':' || b.result AS result, b.seq, b.tx, b.at, b.row AS part
FROM runs AS r CROSS JOIN nodes AS n ON n.run = r.run AND n.kind = 'coalesce'
CROSS JOIN barriers AS b ON b.run = n.run AND b.node = n.node;

CREATE VIEW trail_losses AS
SELECT r.id AS run, n.name || '/' || x.row || ':' || x.fork AS barrier, x.branch, x.row || ':' || x.token AS token,
    x.reason, x.seq, x.tx, x.at, x.row AS part
FROM runs AS r CROSS JOIN nodes AS n ON n.run = r.run AND n.kind = 'coalesce'
CROSS JOIN losses AS x ON x.run = n.run AND x.node = n.node;

CREATE VIEW trail_merges AS
SELECT r.id AS run, m.row || ':' || m.token AS token, json_extract(o.value, '$[0]') AS field,
    json_extract(o.value, '$[1]') AS branch, json_extract(o.value, '$[2]') AS digest,
    json_extract(o.value, '$[3]') AS kept, m.seq + o.key AS seq, m.tx, m.at, m.row AS part
FROM runs AS r CROSS JOIN merges AS m ON m.run = r.run, json_each(CASE WHEN json_valid(m.origins) THEN m.origins ELSE '[]' END) AS o;

CREATE VIEW trail_batches AS
SELECT r.id AS run, n.name || '#' || b.batch AS batch, n.name AS node, b.trigger, b.status, b.outputs,
    b.seq, b.tx, b.at
FROM batches AS b JOIN runs AS r USING (run) JOIN nodes AS n ON n.run = b.run AND n.node = b.node;

CREATE VIEW trail_members AS
SELECT r.id AS run, n.name || '#' || m.batch AS batch, m.row || ':' || m.token AS token, m.ordinal,
    m.seq, m.tx, m.at, m.row AS part
FROM runs AS r CROSS JOIN members AS m ON m.run = r.run JOIN nodes AS n ON n.run = m.run AND n.node = m.node;

CREATE VIEW trail_strays AS
WITH gaps AS (
    SELECT run, lead(run, 1, 9223372036854775807) OVER (ORDER BY run) AS next FROM (SELECT -1 AS run UNION ALL SELECT run FROM runs) AS known
)
SELECT g.run, 'rows' AS rec FROM gaps AS g WHERE EXISTS (SELECT 1 FROM rows AS x WHERE x.run > g.run AND x.run < g.next) UNION ALL
SELECT g.run, 'tokens' AS rec FROM gaps AS g WHERE EXISTS (SELECT 1 FROM tokens AS x WHERE x.run > g.run AND x.run < g.next) UNION ALL
SELECT g.run, 'parents' AS rec FROM gaps AS g WHERE EXISTS (SELECT 1 FROM parents AS x WHERE x.run > g.run AND x.run < g.next) UNION ALL
SELECT g.run, 'visits' AS rec FROM gaps AS g WHERE EXISTS (SELECT 1 FROM visits AS x WHERE x.run > g.run AND x.run < g.next) UNION ALL
SELECT g.run, 'fates' AS rec FROM gaps AS g WHERE EXISTS (SELECT 1 FROM fates AS x WHERE x.run > g.run AND x.run < g.next) UNION ALL
SELECT g.run, 'barriers' AS rec FROM gaps AS g WHERE EXISTS (SELECT 1 FROM barriers AS x WHERE x.run > g.run AND x.run < g.next) UNION ALL
SELECT g.run, 'losses' AS rec FROM gaps AS g WHERE EXISTS (SELECT 1 FROM losses AS x WHERE x.run > g.run AND x.run < g.next) UNION ALL
SELECT g.run, 'merges' AS rec FROM gaps AS g WHERE EXISTS (SELECT 1 FROM merges AS x WHERE x.run > g.run AND x.run < g.next) UNION ALL
SELECT g.run, 'batches' AS rec FROM gaps AS g WHERE EXISTS (SELECT 1 FROM batches AS x WHERE x.run > g.run AND x.run < g.next) UNION ALL
SELECT g.run, 'members' AS rec FROM gaps AS g WHERE EXISTS (SELECT 1 FROM members AS x WHERE x.run > g.run AND x.run < g.next);

-- Adapter: joblog
-- Note: A piece is a token, a stay a visit, a move a hop, a meeting a barrier.

CREATE VIEW trail_runs AS SELECT id AS run, CASE state WHEN 'done' THEN 'completed' ELSE state END AS status, records AS rows FROM job;

CREATE VIEW trail_rows AS SELECT 'job' AS run, nr AS row, source, nr AS idx, n AS seq, nr AS part FROM record;

CREATE VIEW trail_tokens AS
SELECT 'job' AS run, record AS row, id AS token, branch, n AS seq, record AS part,
    CASE made WHEN 'split' THEN 'fork' WHEN 'joined' THEN 'join' END AS group_kind,
    CASE made WHEN 'split' THEN parent WHEN 'joined' THEN id END AS "group"
FROM piece;

CREATE VIEW trail_parents AS
SELECT 'job' AS run, id AS child, parent, n AS seq, record AS part FROM piece WHERE parent IS NOT NULL
UNION ALL SELECT 'job', p.joined, p.piece, p.n, o.record FROM part AS p JOIN piece AS o ON o.id = p.piece;

CREATE VIEW trail_outcomes AS
SELECT 'job' AS run, e.piece AS token, e.at AS sink, e.n AS seq, p.record AS part,
    CASE e.how WHEN 'done' THEN 'completed' WHEN 'sent' THEN 'routed' WHEN 'parked' THEN 'diverted' WHEN 'refused' THEN 'quarantined'
        WHEN 'dropped' THEN 'discarded' WHEN 'split' THEN 'forked' WHEN 'joined' THEN 'coalesced' ELSE e.how END AS outcome,
    CASE e.how WHEN 'split' THEN e.piece WHEN 'joined' THEN CAST(e.into_ AS INTEGER) END AS "group",
    CASE e.how WHEN 'split' THEN e.into_ END AS promised,
    CASE WHEN e.how IN ('failed', 'refused', 'parked') THEN e.why END AS error,
    CASE e.why WHEN 'broken' THEN 'node_failed' WHEN 'unfit' THEN 'invalid_row' WHEN 'filtered' THEN 'filtered'
        WHEN 'sent nowhere' THEN 'gate_discard' WHEN 'alone' THEN 'branch_lost' WHEN 'late' THEN 'late_arrival_after_failure' END AS reason
FROM end AS e JOIN piece AS p ON p.id = e.piece;

CREATE VIEW trail_visits AS
SELECT 'job' AS run, s.piece || '@' || s.step || '#' || s.try AS visit, s.piece AS token, s.step AS node, s.try AS attempt,
    CASE s.state WHEN 'fine' THEN 'completed' ELSE 'failed' END AS status, s.since AS opened, s.n AS closed, s.n AS seq,
    CASE s.answer WHEN 'alone' THEN 'barrier_failed' ELSE s.answer END AS verdict, p.record AS part
FROM stay AS s JOIN piece AS p ON p.id = s.piece;

CREATE VIEW trail_hops AS
SELECT 'job' AS run, m.piece AS token, m.step AS src, m.label, m.next AS dst, m.n AS seq, p.record AS part
FROM move AS m JOIN piece AS p ON p.id = m.piece;

CREATE VIEW trail_barriers AS
SELECT 'job' AS run, m.split || '@' || m.step AS barrier, m.step AS node, m.split AS fork_group, m.why AS reason, m.cause AS "trigger",
    CASE m.state WHEN 'joined' THEN 'merged' ELSE 'failed' END AS verdict, m.came AS arrived, m.missing AS lost, m.result, m.n AS seq,
    p.record AS part
FROM meeting AS m JOIN piece AS p ON p.id = m.split;

CREATE VIEW trail_losses AS
SELECT 'job' AS run, g.split || '@' || g.step AS barrier, g.branch, g.piece AS token, g.why AS reason, g.n AS seq, p.record AS part
FROM gap AS g JOIN piece AS p ON p.id = g.split;

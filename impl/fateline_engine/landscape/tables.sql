-- The landscape: the audit database of the engine. One table for each relation of specs/trail.md, without redundant columns.
--
-- Every table has a key of small integers in the order in which things happen: (run, row, token). A run is numbered in the
-- landscape, a row in its run, a token in its row (0 is the root). The key of a token names its row and its run, so no record
-- about it can belong to another row or run. Nodes and edges are numbered in declared order.
--
-- Three relations are part of others. A hop is a column of the record that chose it: `edge` of a token is its first hop,
-- `edge` of a visit the hop after it. `buffered` is membership. The merge records of one token are one JSON list.
--
-- `seq` orders all records of a run, `tx` numbers its steps, `at` is milliseconds. Data is canonical JSON; NULL
-- if it equals that of the parent, the row or the visit before. Digests are sixteen bytes of BLAKE2b over it.

CREATE TABLE runs (
    run INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,                -- the public name
    pipeline TEXT NOT NULL,
    config TEXT NOT NULL,                   -- the whole pipeline, canonical JSON
    digest TEXT NOT NULL,                   -- of config: a run is resumed only with the same
    status TEXT NOT NULL CHECK (status IN ('running', 'interrupted', 'completed')),
    rows INTEGER,                           -- how many the source gave; NULL until it has ended
    seq INTEGER NOT NULL, tx INTEGER NOT NULL, at INTEGER NOT NULL,
    last_seq INTEGER NOT NULL, last_tx INTEGER NOT NULL, last_at INTEGER NOT NULL   -- the last values that were committed
) STRICT;

CREATE TABLE nodes (
    run INTEGER NOT NULL REFERENCES runs, node INTEGER NOT NULL,
    name TEXT NOT NULL, kind TEXT NOT NULL, config TEXT NOT NULL,
    PRIMARY KEY (run, node), UNIQUE (run, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE edges (
    run INTEGER NOT NULL, edge INTEGER NOT NULL,
    src INTEGER NOT NULL, label TEXT NOT NULL, dst INTEGER NOT NULL,
    PRIMARY KEY (run, edge), UNIQUE (run, src, label),
    FOREIGN KEY (run, src) REFERENCES nodes, FOREIGN KEY (run, dst) REFERENCES nodes
) STRICT, WITHOUT ROWID;

CREATE TABLE contracts (
    run INTEGER NOT NULL REFERENCES runs, contract INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (run, contract)
) STRICT, WITHOUT ROWID;

CREATE TABLE errors (                       -- the text of a digest
    run INTEGER NOT NULL REFERENCES runs, digest BLOB NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (run, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE positions (                    -- the confirmed size of each sink; the only table that is rewritten
    run INTEGER NOT NULL, node INTEGER NOT NULL, position TEXT NOT NULL,
    PRIMARY KEY (run, node), FOREIGN KEY (run, node) REFERENCES nodes
) STRICT, WITHOUT ROWID;

CREATE TABLE rows (
    run INTEGER NOT NULL REFERENCES runs, row INTEGER NOT NULL,
    source INTEGER NOT NULL, idx INTEGER NOT NULL, valid INTEGER NOT NULL,
    contract INTEGER, error BLOB, digest BLOB NOT NULL, data BLOB NOT NULL,
    seq INTEGER NOT NULL, tx INTEGER NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (run, row)
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    run INTEGER NOT NULL, row INTEGER NOT NULL, token INTEGER NOT NULL,
    branch TEXT,
    group_kind TEXT CHECK (group_kind IN ('fork', 'join', 'expand', 'batch')),
    parent INTEGER,                         -- the first parent
    batch_node INTEGER, batch INTEGER,      -- for an output of a batch
    fork INTEGER, frame TEXT,               -- its debt when it was made: the forked token and the branch
    edge INTEGER,                           -- its first hop
    contract INTEGER, digest BLOB, data BLOB,
    seq INTEGER NOT NULL, tx INTEGER NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (run, row, token),
    FOREIGN KEY (run, row) REFERENCES rows,
    FOREIGN KEY (run, row, token, parent) REFERENCES parents (run, row, child, parent) DEFERRABLE INITIALLY DEFERRED
) STRICT, WITHOUT ROWID;

CREATE TABLE parents (
    run INTEGER NOT NULL, row INTEGER NOT NULL, child INTEGER NOT NULL,
    parent INTEGER NOT NULL, parent_row INTEGER NOT NULL, ordinal INTEGER NOT NULL,
    seq INTEGER NOT NULL, tx INTEGER NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (run, row, child, parent),
    FOREIGN KEY (run, row, child) REFERENCES tokens,
    FOREIGN KEY (run, row, parent) REFERENCES fates (run, row, token) DEFERRABLE INITIALLY DEFERRED
) STRICT, WITHOUT ROWID;

CREATE TABLE visits (
    run INTEGER NOT NULL, row INTEGER NOT NULL, token INTEGER NOT NULL,
    node INTEGER NOT NULL, attempt INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('open', 'held', 'completed', 'failed', 'interrupted')),
    verdict TEXT, edge INTEGER, error BLOB,
    digest_in BLOB, digest_out BLOB, contract INTEGER, data BLOB,
    opened INTEGER NOT NULL, closed INTEGER,
    opened_tx INTEGER NOT NULL, tx INTEGER NOT NULL,
    opened_at INTEGER NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (run, row, token, node, attempt),
    FOREIGN KEY (run, row, token) REFERENCES tokens,
    FOREIGN KEY (run, node) REFERENCES nodes
) STRICT, WITHOUT ROWID;

CREATE TABLE fates (                        -- terminal outcomes
    run INTEGER NOT NULL, row INTEGER NOT NULL, token INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    sink INTEGER, error BLOB, reason TEXT,
    batch_node INTEGER, batch INTEGER,
    merged INTEGER,                         -- coalesced: the merged token
    promised TEXT,                          -- forked: JSON list of branches; expanded: how many
    first INTEGER, last INTEGER,            -- forked, expanded: the children, numbered without gaps
    seq INTEGER NOT NULL, tx INTEGER NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (run, row, token),
    FOREIGN KEY (run, row, token) REFERENCES tokens,
    FOREIGN KEY (run, row, last) REFERENCES tokens (run, row, token) DEFERRABLE INITIALLY DEFERRED,
    FOREIGN KEY (run, row, merged, token) REFERENCES parents (run, row, child, parent) DEFERRABLE INITIALLY DEFERRED
) STRICT, WITHOUT ROWID;

CREATE TABLE barriers (                     -- written once, at the resolution
    run INTEGER NOT NULL, node INTEGER NOT NULL, row INTEGER NOT NULL, fork INTEGER NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('merged', 'failed')), reason TEXT, trigger TEXT NOT NULL,
    arrived TEXT NOT NULL, lost TEXT NOT NULL, first_at INTEGER NOT NULL, decided_at INTEGER NOT NULL,
    result INTEGER,
    seq INTEGER NOT NULL, tx INTEGER NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (run, node, row, fork),
    FOREIGN KEY (run, node) REFERENCES nodes,
    FOREIGN KEY (run, row, fork) REFERENCES tokens,
    FOREIGN KEY (run, row, result) REFERENCES tokens
) STRICT, WITHOUT ROWID;

CREATE TABLE losses (
    run INTEGER NOT NULL, node INTEGER NOT NULL, row INTEGER NOT NULL, fork INTEGER NOT NULL, branch TEXT NOT NULL,
    token INTEGER NOT NULL, reason TEXT NOT NULL,
    seq INTEGER NOT NULL, tx INTEGER NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (run, node, row, fork, branch),
    FOREIGN KEY (run, row, fork) REFERENCES tokens, FOREIGN KEY (run, row, token) REFERENCES tokens
) STRICT, WITHOUT ROWID;

CREATE TABLE merges (                       -- origins and collisions of one union merge: [field, branch, digest, kept]
    run INTEGER NOT NULL, row INTEGER NOT NULL, token INTEGER NOT NULL, origins TEXT NOT NULL,
    seq INTEGER NOT NULL, tx INTEGER NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (run, row, token),
    FOREIGN KEY (run, row, token) REFERENCES tokens
) STRICT, WITHOUT ROWID;

CREATE TABLE batches (
    run INTEGER NOT NULL, node INTEGER NOT NULL, batch INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('open', 'triggered', 'completed', 'failed')),
    trigger TEXT, outputs INTEGER,
    attempt INTEGER NOT NULL,               -- how often its flush was started again after a crash
    opened_at INTEGER NOT NULL, triggered_at INTEGER,
    seq INTEGER NOT NULL, tx INTEGER NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (run, node, batch),
    FOREIGN KEY (run, node) REFERENCES nodes
) STRICT, WITHOUT ROWID;

CREATE TABLE members (
    run INTEGER NOT NULL, node INTEGER NOT NULL, batch INTEGER NOT NULL, ordinal INTEGER NOT NULL,
    row INTEGER NOT NULL, token INTEGER NOT NULL,
    seq INTEGER NOT NULL, tx INTEGER NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (run, node, batch, ordinal), UNIQUE (run, row, token, node),
    FOREIGN KEY (run, node, batch) REFERENCES batches,
    FOREIGN KEY (run, row, token) REFERENCES tokens
) STRICT, WITHOUT ROWID;

CREATE TABLE commits (                      -- the chain of digests over what each commit wrote, see chain.py
    number INTEGER PRIMARY KEY,             -- in this landscape, over all its runs
    run INTEGER NOT NULL REFERENCES runs,
    last_tx INTEGER NOT NULL,               -- its last step
    written TEXT NOT NULL,                  -- JSON: what is rewritten or has no step, as this commit left it
    digest BLOB NOT NULL CHECK (length(digest) = 32)
) STRICT;

"""A schema of somebody's own, read through views that leave out nodes, edges, hops, visits and barriers: nothing lawful is
called broken, and three mistakes are found."""

import sqlite3
from pathlib import Path

import pytest

from fateline_oracle.audit.any_trail import prepared
from fateline_oracle.audit.summary import AuditSummary, tell
from fateline_oracle.audit.whole import Wanted, audit
from fateline_oracle.report.verdict import Verdict

ORDERS = 40
PARTS = ("pick", "pack", "bill")
SCHEMA = """
CREATE TABLE imports (id INTEGER PRIMARY KEY, state TEXT);
CREATE TABLE orders (import INTEGER, nr INTEGER, PRIMARY KEY (import, nr));
CREATE TABLE tasks (id INTEGER PRIMARY KEY, import INTEGER, nr INTEGER, part TEXT, state TEXT, joined INTEGER);
CREATE TABLE made_of (task INTEGER, source INTEGER);
"""
VIEWS = """
-- Adapter: orders
-- Note: An order is split into three tasks, and these are joined into one.
CREATE VIEW trail_runs AS SELECT id AS run, CASE state WHEN 'done' THEN 'completed' ELSE 'running' END AS status FROM imports;
CREATE VIEW trail_rows AS SELECT import AS run, import || '/' || nr AS row FROM orders;
CREATE VIEW trail_tokens AS
SELECT import AS run, import || '/' || nr AS row, id AS token,
    CASE WHEN part IN ('pick', 'pack', 'bill') THEN part END AS branch,
    CASE part WHEN 'order' THEN NULL WHEN 'shipment' THEN 'join' ELSE 'fork' END AS group_kind,
    CASE part WHEN 'order' THEN NULL WHEN 'shipment' THEN id ELSE (SELECT source FROM made_of WHERE task = id) END AS "group"
FROM tasks;
CREATE VIEW trail_parents AS SELECT t.import AS run, m.task AS child, m.source AS parent
FROM made_of AS m JOIN tasks AS t ON t.id = m.task;
CREATE VIEW trail_outcomes AS
SELECT import AS run, id AS token,
    CASE WHEN part = 'order' THEN 'forked' WHEN joined IS NOT NULL THEN 'coalesced' ELSE 'completed' END AS outcome,
    CASE WHEN part = 'order' THEN id ELSE joined END AS "group", CASE part WHEN 'order' THEN 'pick,pack,bill' END AS promised
FROM tasks WHERE state = 'ended';
"""


def made(folder: Path) -> Path:
    """A database in which everything is as it should be."""
    path = folder / "orders.db"
    conn = sqlite3.connect(path)
    conn.executescript(SCHEMA)
    conn.execute("INSERT INTO imports VALUES (1, 'done')")
    for nr in range(ORDERS):
        order, shipment = 10 * nr + 1, 10 * nr + 9
        conn.execute("INSERT INTO orders VALUES (1, ?)", (nr,))
        conn.execute("INSERT INTO tasks VALUES (?, 1, ?, 'order', 'ended', NULL)", (order, nr))
        conn.execute("INSERT INTO tasks VALUES (?, 1, ?, 'shipment', 'ended', NULL)", (shipment, nr))
        for place, part in enumerate(PARTS, order + 1):
            conn.execute("INSERT INTO tasks VALUES (?, 1, ?, ?, 'ended', ?)", (place, nr, part, shipment))
            conn.executemany("INSERT INTO made_of VALUES (?, ?)", [(place, order), (shipment, place)])
    conn.commit()
    conn.close()
    return path


def asked(path: Path) -> AuditSummary:
    views = path.with_suffix(".sql")
    views.write_text(VIEWS, encoding="utf-8")
    with prepared(path, views, 60.0) as (copy, adapter):
        return tell(audit(Wanted(copy, adapter)), None, "orders", "", 3)


def test_what_is_lawful_holds_without_a_graph(tmp_path: Path) -> None:
    summary = asked(made(tmp_path))
    assert summary.groups == []
    assert summary.report.verdict is Verdict.HOLDS
    assert {"F1", "F2", "F6", "K1", "L2", "C2"} <= {
        law for law, one in summary.report.laws.items() if one.verdict is Verdict.HOLDS
    }
    assert "nodes" in str(summary.report.laws["C3"].why)


@pytest.mark.parametrize(
    "mistake, law",
    [
        ("UPDATE made_of SET source = 12 WHERE task = 29 AND source = 22", "L2"),
        ("UPDATE tasks SET state = 'waiting' WHERE id = 39", "F2"),
        ("DELETE FROM tasks WHERE id = 43", "K1"),
    ],
    ids=["a task of another order", "a shipment without an end", "a part that was never made"],
)
def test_a_mistake_is_found(tmp_path: Path, mistake: str, law: str) -> None:
    path = made(tmp_path)
    conn = sqlite3.connect(path)
    conn.execute(mistake)
    conn.commit()
    conn.close()
    assert law in {group.law for group in asked(path).groups}

"""Whole transactions of plain SQL that would break a law: each is refused, with foreign keys on and off.

The counterpart of `test_guards.py`, which looks at each guard alone: here all guards are in place, and each attack is written
as the engine would write such a step, so that nothing but the law that it breaks is in its way. Without the guards the audit
names that law.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fateline_engine.landscape import GUARDS
from fateline_oracle.audit.adapters import find_adapter
from fateline_oracle.audit.whole import Wanted, audit

from .test_guards import scene

DIGEST = b"0123456789abcdef"
TX = 100
Statement = tuple[str, dict[str, Any]]


class Step:
    """The statements of one step in run 1, each record with the next number; token 2 of row 2 is alive."""

    def __init__(self) -> None:
        self.seq = 100
        self.statements: list[Statement] = []

    def sql(self, sql: str, **values: Any) -> "Step":
        self.seq += 2  # a record may have a first hop
        self.statements.append((sql, {"seq": self.seq, "tx": TX, **values}))
        return self

    def put(self, table: str, **values: Any) -> "Step":
        values = {"run": 1, "row": 2, "seq": self.seq + 2, "tx": TX, "at": 0, **values}
        values = {key: value for key, value in values.items() if value != "absent"}
        marks = ", ".join(f":{key}" for key in values)
        return self.sql(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", **values)

    def visit(self, node: int, status: str = "completed", **values: Any) -> "Step":
        given = {
            "opened": self.seq + 3,
            "closed": self.seq + 4,
            "opened_tx": TX,
            "opened_at": 0,
            "attempt": 0,
            **values,
        }
        self.seq += 2
        return self.put("visits", token=2, node=node, status=status, seq="absent", **given)

    def fate(self, outcome: str, **values: Any) -> "Step":
        return self.put("fates", token=2, outcome=outcome, **values)

    def children(self, kind: str, branches: list[Any], promised: str, last: int, **values: Any) -> "Step":
        for token, branch in enumerate(branches, 3):
            self.put("tokens", token=token, group_kind=kind, parent=2, branch=branch, edge=1, digest=DIGEST, **values)
        outcome = {"fork": "forked", "expand": "expanded"}[kind]
        self.fate(outcome, promised=promised, first=3, last=last)
        for token in range(3, 3 + len(branches)):
            self.put("parents", child=token, parent=2, parent_row=2, ordinal=token - 3)
        return self

    def batch(self) -> "Step":
        self.put("batches", row="absent", node=5, batch=9, status="open", attempt=0, opened_at=0)
        self.visit(5, "held", closed=None)
        return self

    def member(self, batch: int, ordinal: int, **values: Any) -> "Step":
        return self.put("members", node=5, batch=batch, ordinal=ordinal, token=2, **values)


ENDED = (
    "UPDATE batches SET status = 'completed', trigger = 'count', outputs = 0, triggered_at = 0, seq = :seq, tx = :tx"
    " WHERE run = 1 AND batch = 9"
)
CLOSED = "UPDATE visits SET status = 'failed', closed = :seq, tx = :tx WHERE run = 1 AND row = 2 AND status = 'held'"

ATTACKS: dict[str, tuple[str, Callable[[Step], object]]] = {
    "a third child beside the promise": ("K1", lambda s: s.children("fork", ["a", "b", "c"], '["a","b"]', 4)),
    "a promise of a text and a number": ("K1", lambda s: s.children("fork", ["1", "1"], '["1",1]', 4)),
    "a branch with a comma in its name": ("K1", lambda s: s.children("fork", ["a,b", "c"], '["a,b","c"]', 4)),
    "two children of one promised": ("X1", lambda s: s.children("expand", [None, None], "1", 3)),
    "a row of no source": (
        "L8",
        lambda s: s.put("rows", row=3, source=99, idx=3, valid=1, digest=DIGEST, data=b"{}").put(
            "tokens", row=3, token=0, edge=0, digest=DIGEST
        ),
    ),
    "a batch that ends before its member": ("F5", lambda s: s.batch().member(9, 0).sql(ENDED)),
    "a member of a batch that has ended": ("F5", lambda s: s.visit(5, "held", closed=None).member(0, 2)),
    "a visit that is born closed without a time": ("V3", lambda s: s.visit(2, closed=None).visit(3)),
    "two visits at once, by their numbers": (
        "V3", lambda s: s.visit(2, opened=110, closed=140).visit(3, opened=120, closed=150)),
    "a fork whose visit closed in another step": (
        "K2", lambda s: s.visit(1, tx=99, opened_tx=99).children("fork", ["a", "b"], '["a","b"]', 4)),
    "an expansion whose visit closed in another step": (
        "X3", lambda s: s.visit(4, tx=99, opened_tx=99).children("expand", [None, None], "2", 4)),
    "a child that is older than its parent": ("L4", lambda s: s.children("fork", ["a"], '["a"]', 3, seq=50)),
    "a visit after the fate, by its numbers": (
        "F3", lambda s: s.visit(2, opened=500, closed=501).fate("failed", error=DIGEST, reason="node_failed", seq=200)),
    "a membership after the fate, by its number": (
        "F3",
        lambda s: s.batch().member(9, 0, seq=900).sql(CLOSED).fate("failed", error=DIGEST, reason="node_failed"),
    ),
    "a loss of a token that there is not": (
        "L6", lambda s: s.put("losses", row=1, node=3, fork=0, branch="b", token=77, reason="failed")),
    "a failure without an error": ("F4", lambda s: s.fate("failed", error=b"", reason="node_failed")),
    "a completion at no sink": ("F4", lambda s: s.fate("completed", sink=99)),
}  # fmt: skip
"""What is tried, and the law that the audit names where nothing refuses it."""


def tried(conn: sqlite3.Connection, attack: Callable[[Step], object]) -> None:
    step = Step()
    attack(step)
    conn.execute("BEGIN")
    for sql, values in step.statements:
        conn.execute(sql, values)
    conn.execute("UPDATE runs SET last_seq = max(last_seq, 999), last_tx = max(last_tx, ?) WHERE run = 1", (TX,))
    conn.execute("COMMIT")


@pytest.mark.parametrize("keys", ["ON", "OFF"])
@pytest.mark.parametrize("name", list(ATTACKS))
def test_an_attack_is_refused(name: str, keys: str) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as conn:
        conn.deserialize(scene())
        conn.execute(f"PRAGMA foreign_keys = {keys}")
        with pytest.raises(sqlite3.IntegrityError, match="fateline guard"):
            tried(conn, ATTACKS[name][1])


@pytest.mark.parametrize("name", list(ATTACKS))
def test_without_the_guards_it_breaks_its_law(tmp_path: Path, name: str) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as conn:
        conn.deserialize(scene())
        for guard in GUARDS:
            conn.execute(f"DROP TRIGGER {guard.name}")
        law, attack = ATTACKS[name]
        tried(conn, attack)
        (tmp_path / "x.db").write_bytes(conn.serialize())
    result = audit(Wanted(tmp_path / "x.db", find_adapter(tmp_path / "x.db", None)))
    assert law in {one for one, count in result.breached.items() if count}

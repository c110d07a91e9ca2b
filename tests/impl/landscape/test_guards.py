"""Each guard holds alone, in every conflict mode and with foreign keys off; and without it the attack gets through.

The second half matters as much as the first: an attack that something else stops proves nothing of the guard.
"""

import sqlite3
from collections.abc import Iterator
from functools import cache

import pytest

from fateline_engine.landscape import GUARDS, Landscape
from fateline_engine.landscape.guards import KEYS, Guard
from fateline_engine.plugins import Expand
from fateline_engine.script import Kind
from tests.impl.harness import Trial, coalesce, fails_for, fork, pipeline, sink, source, transform

MODES = ("", "OR REPLACE", "OR IGNORE", "OR FAIL", "OR ABORT", "OR ROLLBACK")
BY_NAME = {guard.name: guard for guard in GUARDS}


@cache
def scene() -> bytes:
    """Run 1 goes on, with something of everything; run 2 is over.

    In run 1 row 0 is done: 0:0 forked into 0:1 and 0:2, merged as 0:3, expanded into 0:4 and 0:5, the batch of which
    gave 0:6. In row 1 branch a visits ``ta``, b is held. In row 2 branch a was lost, b is on its way to the barrier.
    """
    what = pipeline(
        source("split"), fork(a="ta", b="join"), transform("ta", "join"), coalesce("join", "exp", "a", "b"),
        transform("exp", "agg", expands=True), {"name": "agg", "kind": "aggregation", "to": "out", "count": 2}, sink(),
    )  # fmt: skip
    rows = [{"v": 0}, {"v": 1}, {"v": 2}]
    answers = {"exp": lambda token, attempt: Expand((token.data, token.data)), "ta": fails_for(2)}
    trial = Trial(what, rows, answers, run_id="one").started()
    trial.read().to_rest()
    for work in trial.runnable(Kind.FLUSHED):
        trial.engine.do(work)
    trial.to_rest().read().move("1").move("1/b")
    trial.engine.do(next(work for work in trial.runnable(Kind.BEGIN) if work.token == (1, 1)))
    trial.read().move("2").move("2/a")
    trial.engine.recorder.commit()
    Trial(what, rows[:1], answers, landscape=trial.landscape, run_id="two").run()
    return trial.landscape.snapshot()


def opened(keep: Guard | None) -> sqlite3.Connection:
    """The scene with no guard but this one, and foreign keys off."""
    landscape = Landscape.open(":memory:")
    landscape.restore(scene())
    conn = landscape.conn
    conn.execute("PRAGMA foreign_keys = OFF")
    for guard in GUARDS:
        if guard is not keep:
            conn.execute(f"DROP TRIGGER {guard.name}")
    return conn


def dump(conn: sqlite3.Connection) -> list[str]:
    return list(conn.iterdump())


def columns(table: str) -> list[str]:
    conn = opened(None)
    return [record[1] for record in conn.execute(f"PRAGMA table_info({table})")]


def put(table: str, where: str, **changed: object) -> str:
    """An insert of what some record is, with columns changed."""
    told = [f"{changed[name]}" if name in changed else name for name in columns(table)]
    return f"INSERT {{mode}} INTO {table} SELECT {', '.join(told)} FROM {table} WHERE {where} LIMIT 1"


ROOT = "run = 1 AND row = 0 AND token = 0"
LIVE = "run = 1 AND row = 2 AND token = 2"
HELD = "run = 1 AND row = 1 AND token = 2"

ATTACKS = {
    "rows_in_source_order": put("rows", "run = 1 AND row = 2", row=3, idx=1),
    "rows_before_the_end": put("rows", "run = 2", row=1, idx=9),
    "rows_of_a_source": put("rows", "run = 1 AND row = 2", row=3, source=99),
    "rows_hold_json": put("rows", "run = 1 AND row = 2", row=3, data="x'31'"),
    "tokens_on_an_edge": put("tokens", ROOT, token=9, edge=99),
    "tokens_hold_json": put("tokens", ROOT, token=9, data="x'7b'"),
    "tokens_of_a_row": put("tokens", ROOT, row=77),
    "tokens_one_root": put("tokens", ROOT, token=9),
    "tokens_group_and_parent": put("tokens", ROOT, token=9, parent=0),
    "tokens_after_parents": put("tokens", "run = 1 AND row = 0 AND token = 1", token=9, parent=9),
    "tokens_with_the_fate_of_the_parent": put("tokens", "run = 1 AND row = 0 AND token = 1", token=9, branch="'c'"),
    "parents_of_one_row": put("parents", "run = 1 AND row = 0 AND child = 3", parent=0, parent_row=1),
    "parents_older": put("parents", "run = 1 AND row = 0 AND child = 3", parent=4),
    "parents_as_promised": put("parents", "run = 1 AND row = 0 AND child = 3", parent=0),
    "visits_of_a_token": put("visits", "run = 1 AND row = 0", token=99),
    "visits_before_the_fate": put("visits", ROOT, node=5),
    "visits_one_open": put("visits", HELD, node=5),
    "visits_at_a_node": put("visits", "run = 1 AND row = 0", node=99),
    "visits_begin_or_end": put("visits", HELD, node=5, status="'completed'", closed="NULL"),
    "visits_one_after_another": put("visits", ROOT, node=5, opened=1, closed=2),
    "visits_onto_an_edge": put("visits", HELD, node=5, edge=99),
    "visits_onto_an_edge_on_update": f"UPDATE {{mode}} visits SET edge = 99 WHERE {HELD}",
    "visits_hold_json": put("visits", HELD, node=5, data="x'31'"),
    "visits_hold_json_on_update": f"UPDATE {{mode}} visits SET data = x'31' WHERE {HELD}",
    "visits_attempts": put("visits", ROOT, attempt=2),
    "visits_only_close": f"UPDATE {{mode}} visits SET verdict = 'pass' WHERE {ROOT}",
    "visits_closed_before_the_fate": f"UPDATE {{mode}} visits SET status = 'failed', closed = 1 WHERE {ROOT}",
    "fates_of_a_token": put("fates", "run = 1 AND outcome = 'failed'", token=99),
    "fates_after_the_visit": put("fates", "run = 1 AND outcome = 'failed'", row=1, token=2),
    "fates_fields": put("fates", "run = 1 AND outcome = 'failed'", token=2, sink=6),
    "fates_of_a_fork": put("fates", ROOT, row=2, token=2),
    "fates_of_an_expansion": put("fates", "run = 1 AND outcome = 'expanded'", row=2, token=2),
    "fates_of_a_merge": put("fates", "run = 1 AND outcome = 'coalesced'", row=2, token=2),
    "fates_of_a_member": put("fates", "run = 1 AND outcome = 'consumed_in_batch'", row=2, token=2),
    "fates_after_all": put("fates", "run = 1 AND outcome = 'failed'", row=2, token=2, seq=1),
    "fates_in_the_step_of_the_visit": put("fates", ROOT, row=2, token=0, tx=1),
    "fates_at_a_sink": put("fates", "run = 2 AND outcome = 'completed'", run=1, row=2, token=2, sink=1),
    "losses_of_a_token": put("losses", "run = 1", branch="'b'", token=99),
    "losses_at_a_coalesce": put("losses", "run = 1", node=1),
    "barriers_at_a_coalesce": put("barriers", "run = 1", node=1),
    "losses_before_the_resolution": put("losses", "run = 1", branch="'b'"),
    "losses_of_a_fork": put("losses", "run = 1", fork=2),
    "barriers_of_a_fork": put("barriers", "run = 1", fork=2),
    "barriers_result": put("barriers", "run = 1 AND row = 0", row=1, result="NULL"),
    "merges_of_a_merge": put("merges", "run = 1", token=1),
    "merges_hold_origins": put("merges", "run = 1", token=1, origins="'[[1, 2, 3, 4]]'"),
    "nodes_hold_json": put("nodes", "run = 1", node=99, name="'other'", config="'not json'"),
    "contracts_hold_json": put("contracts", "run = 1", contract=99, body="'[]'"),
    "nodes_before_the_rows": put("nodes", "run = 1", node=99, name="'other'"),
    "edges_before_the_rows": put("edges", "run = 1", edge=99, label="'other'"),
    "edges_between_nodes": put("edges", "run = 1", edge=99, dst=99, label="'other'"),
    "commits_in_order": put("commits", "run = 1", number=77),
    "commits_hold_json": put("commits", "run = 1", number="(SELECT max(number) + 1 FROM commits)", written="'[]'"),
    "members_in_order": put("members", "run = 1", ordinal=9, row=2, token=2),
    "batches_at_an_aggregation": put("batches", "run = 1", node=1),
    "batches_end_with_their_members": "UPDATE {mode} batches SET status = 'failed' WHERE run = 1",
    "positions_of_a_sink": put("positions", "run = 1", node=1),
    "positions_are_numbers": put("positions", "run = 1", run=3, position="'1x'"),
    "positions_run_not_over": put("positions", "run = 1", run=99),
    "positions_only_grow": put("positions", "run = 1", position="'-1'"),
    "positions_only_grow_on_update": "UPDATE {mode} positions SET position = '-1' WHERE run = 1",
    "positions_never_deleted": "DELETE FROM positions WHERE run = 1",
    "members_of_a_token": put("members", "run = 1", token=99, ordinal=9),
    "members_before_the_fate": put("members", "run = 1", token=3, ordinal=9),
    "members_of_a_batch": put("members", "run = 1", batch=9, row=2, token=2),
    "batches_begin_open": put("batches", "run = 1", batch=9),
    "batches_only_end": "UPDATE {mode} batches SET status = 'failed' WHERE run = 1",
    "runs_written_once": put("runs", "run = 1"),
    "runs_hold_json": put("runs", "run = 2", run=9, id="'nine'", config="'x'"),
    "runs_end_of_source": "UPDATE {mode} runs SET rows = 1, seq = last_seq + 1, tx = last_tx + 1 WHERE run = 1",
    "runs_begin_running": put("runs", "run = 2", run=9, id="'nine'"),
    "runs_never_deleted": "DELETE FROM runs WHERE run = 1",
    "runs_over_for_good": "UPDATE {mode} runs SET status = 'running' WHERE run = 2",
    "runs_keep_their_pipeline": "UPDATE {mode} runs SET digest = 'other' WHERE run = 1",
}
"""What is refused by one guard alone, as SQL."""

PREPARED = {"batches_end_with_their_members": "DELETE FROM fates WHERE run = 1 AND row = 0 AND token = 4"}
"""What is done before the attack, with the other guards off."""

ENDING = "UPDATE {mode} runs SET status = 'completed' WHERE run = 1"
OF_RUN_TWO = "UPDATE {mode} runs SET status = 'completed' WHERE run = 2"
UNDONE = {
    "runs_completed_all_rows": "UPDATE runs SET rows = 7 WHERE run = 2",
    "runs_completed_rows_have_tokens": "DELETE FROM tokens WHERE run = 2 AND token = 0",
    "runs_completed_tokens_have_fates": "DELETE FROM fates WHERE run = 2 AND token = 6",
    "runs_completed_visits_are_closed": "UPDATE visits SET status = 'held' WHERE run = 2 AND token = 1",
    "runs_completed_barriers_are_resolved": "DELETE FROM barriers WHERE run = 2; "
    "INSERT INTO losses SELECT 2, node, 0, 0, branch, 1, reason, seq, tx, at FROM losses WHERE run = 1",
    "runs_completed_batches_have_ended": "UPDATE batches SET status = 'triggered' WHERE run = 2",
    "runs_completed_promises_are_kept": "DELETE FROM parents WHERE run = 2 AND child = 3 AND parent = 2",
}
"""Guards of the end of a run: what is undone in the finished run 2 before it is ended again."""


def generated() -> Iterator[tuple[str, str]]:
    for table in KEYS:
        yield f"{table}_written_once", put(table, "run = 1")
        yield f"{table}_never_deleted", f"DELETE FROM {table} WHERE run = 1"
        yield f"{table}_run_not_over", put(table, "run = 1", run=99)
        if table in ("visits", "batches"):
            yield f"{table}_run_not_over_on_update", f"UPDATE {{mode}} {table} SET status = 'failed' WHERE run = 2"
        else:
            yield f"{table}_never_changed", f"UPDATE {{mode}} {table} SET run = 5 WHERE run = 1"


ALL = {**dict(generated()), **ATTACKS}


def attack(conn: sqlite3.Connection, sql: str, mode: str) -> None:
    conn.execute(sql.format(mode=mode))


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_guard_alone_refuses_its_attack_in_every_mode(name: str) -> None:
    conn = opened(BY_NAME[name])
    conn.execute(PREPARED.get(name, "SELECT 1"))
    before = dump(conn)
    modes = MODES if "{mode}" in ALL[name] else ("",)
    for mode in modes:
        with pytest.raises(sqlite3.IntegrityError, match=f"fateline guard {name}: "):
            attack(conn, ALL[name], mode)
        assert dump(conn) == before, f"{mode} left something behind"


@pytest.mark.parametrize("name", [name for name in sorted(ALL) if ALL[name].startswith("INSERT")])
def test_an_upsert_is_refused_too(name: str) -> None:
    guard = BY_NAME[name]
    conn = opened(guard)
    key = ", ".join({**KEYS, "positions": (("run", "node"),), "runs": (("run",),)}[guard.table][0])
    sql = ALL[name].replace(" LIMIT 1", "").format(mode="")
    with pytest.raises(sqlite3.IntegrityError, match=f"fateline guard {name}: "):
        conn.execute(f"{sql} ON CONFLICT ({key}) DO UPDATE SET run = excluded.run")


@pytest.mark.parametrize("name", sorted(ALL))
def test_without_the_guard_its_attack_gets_through(name: str) -> None:
    conn = opened(None)
    conn.execute(PREPARED.get(name, "SELECT 1"))
    before = dump(conn)
    attack(conn, ALL[name], "OR REPLACE")
    if not name.endswith("_written_once"):  # the same record again, in place of itself
        assert dump(conn) != before


@pytest.mark.parametrize("name", sorted(UNDONE))
def test_a_run_cannot_be_over_while_something_is_unfinished(name: str) -> None:
    for keep in (BY_NAME[name], None):
        conn = opened(keep)
        conn.execute("DROP TRIGGER IF EXISTS runs_over_for_good")
        conn.execute("UPDATE runs SET status = 'running' WHERE run = 2")
        conn.executescript(UNDONE[name])
        for mode in MODES if keep else ("",):
            if keep is None:
                attack(conn, OF_RUN_TWO, mode)
            else:
                with pytest.raises(sqlite3.IntegrityError, match=f"fateline guard {name}: "):
                    attack(conn, OF_RUN_TWO, mode)


def test_no_guard_is_without_an_attack() -> None:
    assert set(BY_NAME) == set(ALL) | set(UNDONE)
    assert len(BY_NAME) == len(GUARDS)


def test_all_guards_together_let_lawful_runs_through() -> None:
    landscape = Landscape.open(":memory:")
    landscape.restore(scene())
    assert landscape.conn.execute("SELECT status FROM runs WHERE id = 'two'").fetchone() == ("completed",)


def test_the_running_run_cannot_be_declared_over() -> None:
    landscape = Landscape.open(":memory:")
    landscape.restore(scene())
    with pytest.raises(sqlite3.IntegrityError, match="fateline guard runs_completed"):
        landscape.conn.execute(ENDING.format(mode=""))


def test_a_child_needs_the_fate_of_its_parent_by_the_commit() -> None:
    landscape = Landscape.open(":memory:")
    landscape.restore(scene())
    conn = landscape.conn
    conn.execute("BEGIN")
    later = {"seq": "seq + 1000", "tx": "tx + 1000"}
    conn.execute(put("tokens", f"{LIVE}", token=9, parent=2, branch="'c'", **later).format(mode=""))
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        conn.execute("COMMIT")


def test_a_coalesced_token_needs_its_link_by_the_commit() -> None:
    conn = opened(None)
    conn.execute("PRAGMA foreign_keys = ON")
    conn.execute("BEGIN")
    conn.execute(put("fates", "run = 1 AND outcome = 'coalesced'", row=2, token=2).format(mode=""))
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        conn.execute("COMMIT")


FORGED = {
    "a third child of two": ("tokens", "c"),
    "a promise with a number": ("promised", '["a",1]'),
    "a promise with a comma": ("promised", '["a,b"]'),
    "a promise that is no list": ("promised", "a"),
    "a promise with an empty name": ("promised", '[""]'),
    "a promise of one name twice": ("promised", '["a","a"]'),
}


@pytest.mark.parametrize("keys", ["ON", "OFF"])
@pytest.mark.parametrize("name", list(FORGED))
def test_a_forged_fork_is_never_committed(name: str, keys: str) -> None:
    """Written as the engine writes a fork: children, the fate, the links."""
    what, value = FORGED[name]
    landscape = Landscape.open(":memory:")
    landscape.restore(scene())
    conn = landscape.conn
    conn.execute(f"PRAGMA foreign_keys = {keys}")
    branches = (
        ["a", "b", "c"] if what == "tokens" else {"a": ["a"], '["a,b"]': ["a,b"], '[""]': [""]}.get(value, ["a", "b"])
    )
    promised = '["a","b"]' if what == "tokens" else value
    last = 4 if what == "tokens" else 2 + len(branches)
    conn.execute("BEGIN")
    for token, branch in enumerate(branches, 3):
        conn.execute(
            "INSERT INTO tokens (run, row, token, branch, group_kind, parent, edge, seq, tx, at)"
            " VALUES (1, 2, ?, ?, 'fork', 2, 1, ?, 100, 0)", (token, branch, 100 + 2 * token),
        )  # fmt: skip
    with pytest.raises(sqlite3.IntegrityError, match=r"fateline guard (fates_of_a_fork|parents_as_promised)"):
        end_and_link(conn, promised, last, range(3, 3 + len(branches)))


def end_and_link(conn: sqlite3.Connection, promised: str, last: int, children: range) -> None:
    conn.execute(
        "INSERT INTO fates (run, row, token, outcome, promised, first, last, seq, tx, at)"
        " VALUES (1, 2, 2, 'forked', ?, 3, ?, 200, 100, 0)", (promised, last),
    )  # fmt: skip
    for token in children:
        conn.execute("INSERT INTO parents VALUES (1, 2, ?, 2, 2, ?, ?, 100, 0)", (token, token - 3, 300 + token))


@pytest.mark.parametrize("promised", ["1junk", "1.9", "01", " 1", "2", "[1]"])
def test_an_expansion_promises_the_number_of_its_children(promised: str) -> None:
    landscape = Landscape.open(":memory:")
    landscape.restore(scene())
    conn = landscape.conn
    conn.execute("BEGIN")
    conn.execute(
        "INSERT INTO tokens (run, row, token, group_kind, parent, edge, seq, tx, at)"
        " VALUES (1, 2, 3, 'expand', 2, 1, 100, 100, 0)"
    )
    with pytest.raises(sqlite3.IntegrityError, match="fateline guard fates_of_an_expansion"):
        conn.execute(
            "INSERT INTO fates (run, row, token, outcome, promised, first, last, seq, tx, at)"
            " VALUES (1, 2, 2, 'expanded', ?, 3, 3, 200, 100, 0)", (promised,),
        )  # fmt: skip


@pytest.mark.parametrize("sql", [
    "UPDATE positions SET position = 'abc' WHERE run = 1", "UPDATE positions SET position = '-7' WHERE run = 1",
    "DELETE FROM positions", "UPDATE runs SET rows = (SELECT count(*) FROM rows WHERE run = 1) WHERE run = 1",
    "UPDATE runs SET last_seq = 9223372036854775807 WHERE run = 1", "UPDATE runs SET last_tx = last_tx - 1 WHERE run = 1",
    "UPDATE runs SET last_tx = 9223372036854775807 WHERE run = 1", "UPDATE runs SET last_at = 0 WHERE run = 1",
])  # fmt: skip
def test_what_a_resume_relies_on_is_not_changed_between_runs(sql: str) -> None:
    landscape = Landscape.open(":memory:")
    landscape.restore(scene())
    with pytest.raises(sqlite3.IntegrityError, match="fateline guard"):
        landscape.conn.execute(sql)

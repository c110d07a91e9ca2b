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
    "losses_before_the_resolution": put("losses", "run = 1", branch="'b'"),
    "losses_of_a_fork": put("losses", "run = 1", fork=2),
    "barriers_of_a_fork": put("barriers", "run = 1", fork=2),
    "barriers_result": put("barriers", "run = 1 AND row = 0", row=1, result="NULL"),
    "merges_of_a_merge": put("merges", "run = 1", token=1),
    "members_of_a_token": put("members", "run = 1", token=99, ordinal=9),
    "members_before_the_fate": put("members", "run = 1", token=3, ordinal=9),
    "members_of_a_batch": put("members", "run = 1", batch=9, row=2, token=2),
    "batches_begin_open": put("batches", "run = 1", batch=9, trigger="NULL"),
    "batches_only_end": "UPDATE {mode} batches SET status = 'failed' WHERE run = 1",
    "runs_written_once": put("runs", "run = 1"),
    "runs_begin_running": put("runs", "run = 2", run=9, id="'nine'"),
    "runs_never_deleted": "DELETE FROM runs WHERE run = 1",
    "runs_over_for_good": "UPDATE {mode} runs SET status = 'running' WHERE run = 2",
    "runs_keep_their_pipeline": "UPDATE {mode} runs SET digest = 'other' WHERE run = 1",
}
"""What is refused by one guard alone, as SQL."""

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
    key = ", ".join(KEYS[guard.table][0]) if guard.table in KEYS else "run"
    sql = ALL[name].replace(" LIMIT 1", "").format(mode="")
    with pytest.raises(sqlite3.IntegrityError, match=f"fateline guard {name}: "):
        conn.execute(f"{sql} ON CONFLICT ({key}) DO UPDATE SET run = excluded.run")


@pytest.mark.parametrize("name", sorted(ALL))
def test_without_the_guard_its_attack_gets_through(name: str) -> None:
    conn = opened(None)
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
    conn.execute(put("tokens", f"{LIVE}", token=9, parent=2, branch="'c'").format(mode=""))
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        conn.execute("COMMIT")


def test_a_coalesced_token_needs_its_link_by_the_commit() -> None:
    conn = opened(None)
    conn.execute("PRAGMA foreign_keys = ON")
    conn.execute("BEGIN")
    conn.execute(put("fates", "run = 1 AND outcome = 'coalesced'", row=2, token=2).format(mode=""))
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        conn.execute("COMMIT")

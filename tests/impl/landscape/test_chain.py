"""What is done to a file with its guards switched off is named, with the first commit that it touches."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fateline_engine.errors import LandscapeError
from fateline_engine.landscape import SCHEMA_VERSION, Landscape
from fateline_engine.landscape import chain as chains
from fateline_engine.landscape.chain import Chain, verify
from fateline_engine.landscape.recorder import COLUMNS
from fateline_engine.landscape.store import APPLICATION_ID
from fateline_engine.landscape.tampering import examine
from fateline_oracle.cli import main

from ..harness import Trial, coalesce, fails_for, fork, pipeline, sink, source, transform

AGGREGATION: dict[str, object] = {"name": "agg", "kind": "aggregation", "to": "out", "count": 2}
PIPELINE = pipeline(
    source("split"),
    fork(a="ta", b="join"),
    transform("ta", "join"),
    coalesce("join", "agg", "a", "b"),
    AGGREGATION,
    sink(),
)


@cache
def written() -> bytes:
    """Run 1 with a commit for each step, in which visits and a batch begin and end in different commits; then run 2."""
    rows: list[dict[str, object] | None] = [{"v": n} for n in range(5)]
    rows.append(None)
    trial = Trial(PIPELINE, rows, {"ta": fails_for(2)}, each_step=True, run_id="one")
    trial.run()
    Trial(PIPELINE, rows[:1], landscape=trial.landscape, run_id="two").started().read().move("0").move("0/b").snapshot()
    return trial.landscape.snapshot()


def connect(content: bytes) -> sqlite3.Connection:
    conn = sqlite3.connect(":memory:", isolation_level=None)
    conn.deserialize(content)
    conn.execute("PRAGMA foreign_keys = OFF")
    return conn


def unguarded() -> sqlite3.Connection:
    """The landscape for a program that knows how to switch the guards off: `SQLITE_DBCONFIG_ENABLE_TRIGGER` does the same."""
    conn = connect(written())
    for (name,) in conn.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        conn.execute(f"DROP TRIGGER {name}")
    return conn


def commit_of(run: int, tx: int) -> int:
    with closing(connect(written())) as conn:
        query = "SELECT min(number) FROM commits WHERE run = ? AND last_tx >= ?"
        return int(conn.execute(query, (run, tx)).fetchone()[0])


def of(table: str, where: str, step: str = "tx") -> Callable[[], int]:
    """The commit of the first record of the table for which this holds."""

    def number() -> int:
        with closing(connect(written())) as conn:
            run, tx = conn.execute(
                f"SELECT run, {step} FROM {table} WHERE {where} ORDER BY run, {step} LIMIT 1"
            ).fetchone()
        return commit_of(run, tx)

    return number


def mentions(what: str, last: bool = False) -> Callable[[], int]:
    """The first or last commit of run 1 that mentions something rewritten."""

    def number() -> int:
        with closing(connect(written())) as conn:
            order = "DESC" if last else ""
            query = f"SELECT number FROM commits WHERE run = 1 AND written LIKE ? ORDER BY number {order} LIMIT 1"
            return int(conn.execute(query, (f'%"{what}"%',)).fetchone()[0])

    return number


def at(number: int) -> Callable[[], int]:
    return lambda: number


def last() -> int:
    with closing(connect(written())) as conn:
        return chains.head(conn).number


A_VISIT = "run = 1 AND row = 1 AND token = 1 AND closed IS NOT NULL"
HELD = "run = 1 AND closed IS NOT NULL AND tx > opened_tx"

TAMPERINGS: dict[str, tuple[str, Callable[[], int | None]]] = {
    "data of a row": ("UPDATE rows SET data = x'7b7d' WHERE run = 1 AND row = 1", of("rows", "run = 1 AND row = 1")),
    "data and digest of a row": (
        "UPDATE rows SET data = x'7b7d', digest = x'00' WHERE run = 1 AND row = 2", of("rows", "run = 1 AND row = 2")),
    "order of the fields of a row": (
        "UPDATE rows SET data = CAST('{\"v\": 3}' AS BLOB) WHERE run = 1 AND row = 3", of("rows", "run = 1 AND row = 3")),
    "place of a row": ("UPDATE rows SET idx = 77 WHERE run = 1 AND row = 5", of("rows", "run = 1 AND row = 5")),
    "an invalid row made valid": ("UPDATE rows SET valid = 1 WHERE run = 1 AND row = 5", of("rows", "run = 1 AND row = 5")),
    "time of a row": ("UPDATE rows SET at = at + 1 WHERE run = 1 AND row = 0", of("rows", "run = 1 AND row = 0")),
    "a row deleted": ("DELETE FROM rows WHERE run = 1 AND row = 4", of("rows", "run = 1 AND row = 4")),
    "a row and all about it deleted": (
        "DELETE FROM rows WHERE run = 1 AND row = 4; DELETE FROM tokens WHERE run = 1 AND row = 4;"
        "DELETE FROM fates WHERE run = 1 AND row = 4; DELETE FROM visits WHERE run = 1 AND row = 4;"
        "DELETE FROM parents WHERE run = 1 AND row = 4", of("rows", "run = 1 AND row = 4")),
    "a row inserted": (
        "INSERT INTO rows SELECT 1, 99, source, 99, valid, contract, error, digest, data, seq, tx, at FROM rows"
        " WHERE run = 1 AND row = 2", of("rows", "run = 1 AND row = 2")),
    "two rows exchanged": (
        "UPDATE rows SET row = 100 WHERE run = 1 AND row = 1; UPDATE rows SET row = 1 WHERE run = 1 AND row = 2;"
        "UPDATE rows SET row = 2 WHERE run = 1 AND row = 100", of("rows", "run = 1 AND row = 1")),
    "branch of a token": ("UPDATE tokens SET branch = 'b' WHERE run = 1 AND row = 1 AND token = 1",
                          of("tokens", "run = 1 AND row = 1 AND token = 1")),
    "edge of a token": ("UPDATE tokens SET edge = 3 WHERE run = 1 AND row = 0 AND token = 0",
                        of("tokens", "run = 1 AND row = 0 AND token = 0")),
    "a token deleted": ("DELETE FROM tokens WHERE run = 1 AND row = 0 AND token = 3",
                        of("tokens", "run = 1 AND row = 0 AND token = 3")),
    "a token inserted": ("INSERT INTO tokens (run, row, token, seq, tx, at) VALUES (1, 0, 50, 3, 2, 1)",
                         lambda: commit_of(1, 2)),
    "data of a merged token": ("UPDATE tokens SET data = x'7b7d' WHERE run = 1 AND row = 0 AND token = 3",
                               of("tokens", "run = 1 AND row = 0 AND token = 3")),
    "debt of a token": ("UPDATE tokens SET frame = NULL, fork = NULL WHERE run = 1 AND row = 3 AND token = 1",
                        of("tokens", "run = 1 AND row = 3 AND token = 1")),
    "order of the links of a merge": (
        "UPDATE parents SET ordinal = 1 - ordinal WHERE run = 1 AND row = 0 AND child = 3",
        of("parents", "run = 1 AND row = 0 AND child = 3")),
    "a link deleted": ("DELETE FROM parents WHERE run = 1 AND row = 1 AND child = 1",
                       of("parents", "run = 1 AND row = 1 AND child = 1")),
    "a link inserted": (
        "INSERT INTO parents SELECT run, row, 2, 1, parent_row, 5, seq, tx, at FROM parents"
        " WHERE run = 1 AND row = 1 AND child = 1",
        of("parents", "run = 1 AND row = 1 AND child = 1")),
    "data of a visit": (f"UPDATE visits SET data = x'7b7d' WHERE {A_VISIT}", of("visits", A_VISIT)),
    "verdict of a visit": (f"UPDATE visits SET verdict = 'drop' WHERE {A_VISIT}", of("visits", A_VISIT)),
    "way on from a visit": (f"UPDATE visits SET edge = 1 WHERE {A_VISIT}", of("visits", A_VISIT)),
    "what came into a visit": (f"UPDATE visits SET digest_in = x'00' WHERE {HELD}", of("visits", HELD, "opened_tx")),
    "when a visit began": (f"UPDATE visits SET opened_at = 0 WHERE {HELD}", of("visits", HELD, "opened_tx")),
    "when a visit ended": (f"UPDATE visits SET at = 0 WHERE {HELD}", of("visits", HELD)),
    "end of a visit taken back": (
        f"UPDATE visits SET status = 'held', closed = NULL, verdict = NULL, tx = opened_tx WHERE {HELD}", of("visits", HELD)),
    "an attempt deleted": (f"DELETE FROM visits WHERE {HELD}", of("visits", HELD, "opened_tx")),
    "an attempt inserted": (
        "INSERT INTO visits SELECT run, row, token, 6, 9, status, verdict, edge, error, digest_in, digest_out, contract, data,"
        f" opened, closed, opened_tx, tx, opened_at, at FROM visits WHERE {A_VISIT} LIMIT 1",
        of("visits", A_VISIT, "opened_tx")),
    "an open visit": ("UPDATE visits SET status = 'open' WHERE run = 2 AND status = 'held'", lambda: None),
    "outcome of a token": ("UPDATE fates SET outcome = 'discarded' WHERE run = 1 AND row = 2 AND token = 1",
                           of("fates", "run = 1 AND row = 2 AND token = 1")),
    "reason of a failure": ("UPDATE fates SET reason = 'filtered' WHERE run = 1 AND row = 2 AND token = 1",
                            of("fates", "run = 1 AND row = 2 AND token = 1")),
    "error of a failure": ("UPDATE fates SET error = x'01' WHERE run = 1 AND row = 2 AND token = 1",
                           of("fates", "run = 1 AND row = 2 AND token = 1")),
    "promise of a fork": ("UPDATE fates SET promised = '[\"a\"]' WHERE run = 1 AND row = 1 AND token = 0",
                          of("fates", "run = 1 AND row = 1 AND token = 0")),
    "a fate deleted": ("DELETE FROM fates WHERE run = 1 AND row = 0 AND token = 4",
                       of("fates", "run = 1 AND row = 0 AND token = 4")),
    "order of two fates": (
        "UPDATE fates SET seq = 1000 WHERE run = 1 AND row = 0 AND token = 1",
        of("fates", "run = 1 AND row = 0 AND token = 1")),
    "step of a fate": ("UPDATE fates SET tx = 2 WHERE run = 1 AND row = 4 AND token = 0", lambda: commit_of(1, 2)),
    "a loss deleted": ("DELETE FROM losses WHERE run = 1", of("losses", "run = 1")),
    "branch of a loss": ("UPDATE losses SET branch = 'b' WHERE run = 1", of("losses", "run = 1")),
    "verdict of a barrier": ("UPDATE barriers SET verdict = 'failed', reason = 'x' WHERE run = 1 AND row = 0",
                             of("barriers", "run = 1 AND row = 0")),
    "who arrived at a barrier": ("UPDATE barriers SET arrived = 'a' WHERE run = 1 AND row = 1",
                                 of("barriers", "run = 1 AND row = 1")),
    "a barrier deleted": ("DELETE FROM barriers WHERE run = 1 AND row = 3", of("barriers", "run = 1 AND row = 3")),
    "origins of a merge": ("UPDATE merges SET origins = '[]' WHERE run = 1 AND row = 0", of("merges", "run = 1 AND row = 0")),
    "a merge deleted": ("DELETE FROM merges WHERE run = 1 AND row = 1", of("merges", "run = 1 AND row = 1")),
    "members exchanged": (
        "UPDATE members SET ordinal = 9 WHERE run = 1 AND batch = 0 AND ordinal = 0;"
        "UPDATE members SET ordinal = 0 WHERE run = 1 AND batch = 0 AND ordinal = 1;"
        "UPDATE members SET ordinal = 1 WHERE run = 1 AND batch = 0 AND ordinal = 9", of("members", "run = 1 AND batch = 0")),
    "a member deleted": ("DELETE FROM members WHERE run = 1 AND batch = 0 AND ordinal = 1",
                         of("members", "run = 1 AND batch = 0 AND ordinal = 1")),
    "end of a batch": ("UPDATE batches SET status = 'failed' WHERE run = 1 AND batch = 0",
                       of("batches", "run = 1 AND batch = 0")),
    "outputs of a batch": ("UPDATE batches SET outputs = 7 WHERE run = 1 AND batch = 0",
                       of("batches", "run = 1 AND batch = 0")),
    "opening of a batch": ("UPDATE batches SET opened_at = 7 WHERE run = 1 AND batch = 0", mentions("opened")),
    "a batch deleted": ("DELETE FROM batches WHERE run = 1 AND batch = 0", mentions("opened")),
    "a batch inserted": ("INSERT INTO batches SELECT run, node, 9, status, trigger, outputs, attempt, opened_at, triggered_at,"
                         " seq, tx, at FROM batches WHERE run = 1 AND batch = 0", lambda: None),
    "position of a sink": ("UPDATE positions SET position = '0' WHERE run = 1", mentions("positions", last=True)),
    "a position deleted": ("DELETE FROM positions WHERE run = 1", mentions("positions", last=True)),
    "text of an error": ("UPDATE errors SET body = 'all is well' WHERE run = 1 AND body LIKE 'ta: %'",
                         mentions("errors")),
    "an error deleted": ("DELETE FROM errors WHERE run = 1", mentions("errors")),
    "an error inserted": ("INSERT INTO errors VALUES (1, x'00', 'never happened')", lambda: None),
    "a contract": ("UPDATE contracts SET body = '{}' WHERE run = 1 AND contract = 0", mentions("contracts")),
    "a contract deleted": ("DELETE FROM contracts WHERE run = 1 AND contract = 0", mentions("contracts")),
    "settings of a node": ("UPDATE nodes SET config = '{\"count\": 3}' WHERE run = 1 AND name = 'agg'", at(1)),
    "a node renamed": ("UPDATE nodes SET name = 'other' WHERE run = 1 AND name = 'ta'", at(1)),
    "an edge": ("UPDATE edges SET dst = 0 WHERE run = 1 AND edge = 2", at(1)),
    "an edge deleted": ("DELETE FROM edges WHERE run = 1 AND edge = 0", at(1)),
    "pipeline of a run": ("UPDATE runs SET config = '{}', digest = 'x' WHERE run = 1", at(1)),
    "name of a run": ("UPDATE runs SET id = 'other' WHERE run = 1", at(1)),
    "a run said to be going on": ("UPDATE runs SET status = 'running' WHERE run = 1", mentions("run", last=True)),
    "number of rows of a run": ("UPDATE runs SET rows = 3 WHERE run = 1", mentions("run", last=True)),
    "counters of a run": ("UPDATE runs SET last_seq = 999 WHERE run = 1", mentions("run", last=True)),
    "a run deleted": ("DELETE FROM runs WHERE run = 1", at(1)),
    "a run inserted": ("INSERT INTO runs SELECT 9, 'nine', pipeline, config, digest, status, rows, seq, tx, at,"
                       " last_seq, last_tx, last_at FROM runs WHERE run = 1", lambda: None),
    "a commit deleted": ("DELETE FROM commits WHERE number = 4", at(4)),
    "the first commit deleted": ("DELETE FROM commits WHERE number = 1", at(1)),
    "the last commit deleted": ("DELETE FROM commits WHERE number = (SELECT max(number) FROM commits)", last),
    "digest of a commit": ("UPDATE commits SET digest = zeroblob(32) WHERE number = 5", at(5)),
    "what a commit mentions": ("UPDATE commits SET written = replace(written, '\"run\"', '\"run\" ') WHERE number = 6", at(6)),
    "steps of a commit": ("UPDATE commits SET last_tx = last_tx + 1 WHERE number = 7", at(7)),
    "commits renumbered": ("UPDATE commits SET number = number + 100 WHERE number > 9", at(10)),
    "two commits exchanged": (
        "UPDATE commits SET number = 500 WHERE number = 8; UPDATE commits SET number = 8 WHERE number = 9;"
        "UPDATE commits SET number = 9 WHERE number = 500", at(8)),
    "what a commit mentions is no JSON": ("UPDATE commits SET written = '[[[' WHERE number = 3", at(3)),
}  # fmt: skip
"""What is done, and the first commit that it touches; `None` if it touches none."""


def test_what_the_engine_wrote_is_unaltered() -> None:
    with closing(connect(written())) as conn:
        chain = examine(conn, chains.head(conn).digest.hex())
    assert chain.unaltered, chain.found
    assert chain.known == chain.commits == last()
    assert chain.commits > 50
    assert len(TAMPERINGS) >= 50


@pytest.mark.parametrize("name", list(TAMPERINGS))
def test_what_is_altered_is_named_with_the_first_commit_that_it_touches(name: str) -> None:
    sql, number = TAMPERINGS[name]
    with closing(unguarded()) as conn:
        before = list(conn.iterdump())
        conn.executescript(sql)
        assert list(conn.iterdump()) != before, "something was done"
        chain = verify(conn, COLUMNS)
    first = chain.first()
    assert first is not None
    assert first.number == number(), chain.found


def test_what_was_taken_back_without_a_trace_is_shown_by_a_head_that_was_kept() -> None:
    """The last commit and all that it wrote, as if it had never been: an older copy of the file is the same."""
    rows = [{"v": 0}]
    trial = Trial(PIPELINE, rows, each_step=True).started().read()
    older = trial.landscape.snapshot()
    kept_then = trial.landscape.head.digest.hex()
    trial.finish()
    kept = trial.landscape.head.digest.hex()
    with closing(connect(older)) as conn:
        assert examine(conn).unaltered
        assert not examine(conn, kept).unaltered
        assert "no commit has the digest that was kept" in str(examine(conn, kept).first())
    with closing(connect(trial.landscape.snapshot())) as conn:
        chain = examine(conn, kept_then)
        assert chain.unaltered
        assert chain.known is not None
        assert chain.known < chain.commits


def test_a_chain_that_was_computed_again_is_shown_by_a_head_that_was_kept() -> None:
    kept = Trial(PIPELINE, [{"v": 0}], run_id="one")
    kept.run()
    forged = Trial(PIPELINE, [{"v": 1}], run_id="one")
    forged.run()
    with closing(connect(forged.landscape.snapshot())) as conn:
        assert examine(conn).unaltered, "nobody can know from the file"
        assert not examine(conn, kept.landscape.head.digest.hex()).unaltered


SCHEMA_CHANGES = [
    "DROP TRIGGER fates_written_once", "CREATE TRIGGER mine AFTER INSERT ON rows BEGIN SELECT 1; END",
    "CREATE TABLE mine (a)", "DROP VIEW trail_fates_x", "ALTER TABLE fates ADD COLUMN note TEXT",
    "DROP TABLE commits", "CREATE INDEX mine ON fates (outcome)",
]  # fmt: skip


@pytest.mark.parametrize("sql", SCHEMA_CHANGES)
def test_a_schema_that_was_changed_is_named(sql: str) -> None:
    with closing(connect(written())) as conn:
        conn.execute(sql.replace("trail_fates_x", "trail_losses"))
        chain = examine(conn)
        assert not chain.unaltered
        assert any("the schema was altered: " in one.what for one in chain.found)


def audited(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["audit", *map(str, arguments)])
    return result.exit_code, result.output


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "trail.db"
    trial = Trial(PIPELINE, [{"v": n} for n in range(4)], run_id="one")
    trial.run()
    path.write_bytes(trial.landscape.snapshot())
    return path


def test_an_audit_makes_three_separate_statements(file: Path) -> None:
    with Landscape.read(file) as landscape:
        kept = landscape.head.digest.hex()
    code, text = audited(file, "--head", kept)
    assert code == 0
    assert f"Unaltered: yes, 2 commits; the head that was kept is that of commit 2. The head is {kept}" in text
    assert "Complete: no chain can say so" in text
    assert "Lawful: yes." in text


def test_an_alteration_that_breaks_no_law_is_reported(file: Path) -> None:
    with closing(sqlite3.connect(file)) as conn, conn:
        for (name,) in conn.execute(
            "SELECT name FROM sqlite_schema WHERE name LIKE 'visits%' AND type = 'trigger'"
        ).fetchall():
            conn.execute(f"DROP TRIGGER {name}")
        conn.execute("UPDATE visits SET at = 5 WHERE row = 1 AND token = 1")
    code, text = audited(file)
    assert code == 1
    assert "Unaltered: no. Commit 2: what it wrote was altered (and 1 more signs)." in text
    assert "Lawful: yes." in text
    told: dict[str, Any] = json.loads(audited(file, "--json")[1])
    assert told["verdict"] == "holds"
    assert told["details"]["chain"]["unaltered"] is False
    assert [one["commit"] for one in told["details"]["chain"]["alterations"]] == [2, None]


def test_a_head_is_for_landscapes(file: Path, tmp_path: Path) -> None:
    assert audited(file, "--head", "abc")[0] == 3
    other = tmp_path / "trail.jsonl"
    CliRunner().invoke(main, ["export", str(file), "--output", str(other)])
    code, text = audited(other, "--head", "0" * 64)
    assert code == 3
    assert "this file has no chain" in text
    assert "Unaltered" not in audited(other)[1]


def test_the_head_is_exported(file: Path) -> None:
    with Landscape.read(file) as landscape:
        kept = landscape.head.digest.hex()
    assert CliRunner().invoke(main, ["export", str(file), "--head"]).output == f"{kept}\n"


def test_a_landscape_of_the_first_version_is_read_and_not_written(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with Landscape.open(path) as landscape:
        landscape.conn.execute("PRAGMA user_version = 1")
    with Landscape.read(path) as landscape:
        assert landscape.conn.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    with pytest.raises(
        LandscapeError, match=f"its schema is 1, and this engine writes {SCHEMA_VERSION}; it can only be read"
    ):
        Landscape.open(path)


def test_runs_that_take_turns_in_one_landscape_have_one_chain() -> None:
    one = Trial(PIPELINE, [{"v": 0}, {"v": 1}], each_step=True, run_id="one").started().read()
    two = Trial(PIPELINE, [{"v": 0}], landscape=one.landscape, each_step=True, run_id="two").started().read()
    one.finish()
    two.finish()
    chain: Chain = examine(one.landscape.bare)
    assert chain.unaltered, chain.found

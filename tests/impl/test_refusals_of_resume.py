"""A resume that is not what it was asked to continue is refused, says why, and touches nothing."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from fateline_engine.errors import LandscapeError, ResumeRefused
from fateline_engine.landscape import GUARDS, Landscape
from fateline_engine.locks import InUse, hold, let_go
from fateline_engine.orchestrator import Orchestrator
from fateline_engine.plugins import PluginUnavailable
from fateline_engine.plugins.builtin.jsonl_files import JsonlSink
from fateline_engine.plugins.builtin.sqlite_tables import SqliteSink
from fateline_engine.plugins.options import IfExists
from fateline_engine.plugins.registry import bind
from fateline_engine.script import Kind, Production
from fateline_engine.settings import load_pipeline

PIPELINE = """
name: refusals
run: {commit_rows: 1}
nodes:
  - {name: src, kind: source, to: keep, on_error: bad, plugin: jsonl, options: {path: in.jsonl, fields: {n: int}}}
  - {name: keep, kind: transform, to: out, plugin: derive, options: {fields: {m: n + 1}}}
  - {name: out, kind: sink, plugin: csv, options: {path: out.csv}}
  - {name: bad, kind: sink, plugin: jsonl, options: {path: bad.jsonl}}
"""
SOURCE = '{"n": 1}\n{"n": "no number"}\n{"n": 3}\n{"n": 4}\n{"n": 5}\n'


class Gone(BaseException):
    """The process is."""


def stopped(folder: Path) -> Path:
    """A run of which three rows were committed and the fourth was under way."""
    (folder / "in.jsonl").write_text(SOURCE)
    file = folder / "pipeline.yaml"
    file.write_text(PIPELINE)
    pipeline = load_pipeline(file)
    plugins = bind(pipeline)
    with Landscape.open(folder / "trail.db") as landscape:
        engine = Orchestrator(pipeline, landscape, plugins=plugins, script=Production(plugins))
        engine.start()
        for _ in range(100):
            work = engine.schedule.first()
            if work.kind is Kind.READ and engine.tokens.next_row == 4:
                break
            engine.do(work)
        engine.close()
    return file


def resume(file: Path) -> bool:
    pipeline = load_pipeline(file)
    with Landscape.open(file.parent / "trail.db", must_exist=True) as landscape:
        return Orchestrator(pipeline, landscape).resume().finished


def everything(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix in (".csv", ".jsonl")}


def test_the_run_is_resumed_if_all_is_as_it_was(tmp_path: Path) -> None:
    file = stopped(tmp_path)
    assert resume(file)
    assert (tmp_path / "out.csv").read_text() == "n,m\n1,2\n3,4\n4,5\n5,6\n"


@pytest.mark.parametrize(
    "altered, row",
    [
        (SOURCE.replace('{"n": 1}', '{"n": 2}'), 0),
        (SOURCE.replace('"no number"', "2"), 1),
        (SOURCE.replace('{"n": 3}', '{"n": "three"}'), 2),
        ('{"n": 0}\n' + SOURCE, 0),
        (SOURCE.partition("\n")[2], 0),
        (SOURCE[:9], 1),
        ("", 0),
    ],
    ids=["a value", "an invalid row", "a valid row", "a row more", "a row less", "cut off", "empty"],
)
def test_an_altered_source_is_refused_and_nothing_is_touched(tmp_path: Path, altered: str, row: int) -> None:
    file = stopped(tmp_path)
    (tmp_path / "in.jsonl").write_text(altered)
    before = everything(tmp_path)
    with pytest.raises(
        ResumeRefused, match=rf"row {row} of the source .* is not what this run read: restore the source as it was"
    ):
        resume(file)
    assert everything(tmp_path) == before
    (tmp_path / "in.jsonl").write_text(SOURCE)
    assert resume(file)


def test_rows_that_nobody_has_read_may_change(tmp_path: Path) -> None:
    file = stopped(tmp_path)
    (tmp_path / "in.jsonl").write_text(SOURCE.replace('{"n": 5}', '{"n": 6}\n{"n": 7}'))
    assert resume(file)
    assert (tmp_path / "out.csv").read_text().endswith("4,5\n6,7\n7,8\n")


def test_a_missing_source_says_so_and_the_run_stays_resumable(tmp_path: Path) -> None:
    file = stopped(tmp_path)
    (tmp_path / "in.jsonl").rename(tmp_path / "elsewhere")
    with pytest.raises(PluginUnavailable, match=r"in\.jsonl cannot be read: No such file"):
        resume(file)
    (tmp_path / "elsewhere").rename(tmp_path / "in.jsonl")
    assert resume(file)


@pytest.mark.parametrize(
    "statement, told",
    [
        ("UPDATE rows SET data = CAST('{\"n\":7}' AS BLOB) WHERE row = 0", "the data of row 0"),
        ("UPDATE rows SET data = CAST('no json' AS BLOB) WHERE row = 2", "the data of row 2"),
        ("UPDATE visits SET data = CAST('{\"n\":3}' AS BLOB) WHERE row = 2 AND data IS NOT NULL", "visit of token 2:0"),
        ("UPDATE errors SET body = 'something else'", "the text of error"),
    ],
)
def test_tampered_data_are_refused(tmp_path: Path, statement: str, told: str) -> None:
    file = stopped(tmp_path)
    with Landscape.open(tmp_path / "trail.db") as landscape:
        with pytest.raises(sqlite3.IntegrityError, match="fateline guard"):
            landscape.conn.execute(statement)
        for guard in GUARDS:
            landscape.conn.execute(f"DROP TRIGGER {guard.name}")
        landscape.conn.execute(statement)
    before = everything(tmp_path)
    with pytest.raises(ResumeRefused, match=f"{told}.* does not match its digest: restore the database from a copy"):
        resume(file)
    assert everything(tmp_path) == before


def test_a_changed_pipeline_is_refused(tmp_path: Path) -> None:
    file = stopped(tmp_path)
    file.write_text(PIPELINE.replace("n + 1", "n + 2"))
    with pytest.raises(ResumeRefused, match="begun on another pipeline, refusals"):
        resume(file)


def test_a_sink_that_lost_confirmed_bytes_is_refused(tmp_path: Path) -> None:
    file = stopped(tmp_path)
    (tmp_path / "out.csv").write_bytes(b"n,m\n")
    with pytest.raises(PluginUnavailable, match=r"out\.csv has 4 bytes, and 12 were confirmed: restore it from a copy"):
        resume(file)


def test_another_process_on_the_same_run_is_refused(tmp_path: Path) -> None:
    file = stopped(tmp_path)
    with Landscape.open(tmp_path / "trail.db"), pytest.raises(LandscapeError, match="another process is writing it"):
        resume(file)
    assert resume(file)


@pytest.mark.parametrize("make", [JsonlSink, lambda path: SqliteSink(path, "rows")])
def test_two_runs_do_not_share_a_sink(tmp_path: Path, make: Callable[[Path], JsonlSink]) -> None:
    first, second = make(tmp_path / "out"), make(tmp_path / "out")
    first.open(resume=False)
    first.write({"n": 1})
    first.flush()
    with pytest.raises(PluginUnavailable, match="another process is writing it; two runs cannot share a sink"):
        second.open(resume=False)
    assert first.position() > 0
    first.close()
    second.open(resume=True)
    second.close()


def test_a_lock_is_let_go(tmp_path: Path) -> None:
    first = hold(tmp_path / "file")
    with pytest.raises(InUse):
        hold(tmp_path / "file")
    let_go(first)
    let_go(hold(tmp_path / "file"))


def test_a_table_that_no_commit_confirmed_is_taken_away_again(tmp_path: Path) -> None:
    sink = SqliteSink(tmp_path / "out.db", "rows")
    sink.open(resume=False)
    confirmed = sink.position()
    sink.write({"a": 1})
    sink.flush()
    sink.close()
    sink.open(resume=True)
    sink.truncate(confirmed)
    sink.write({"b": 2})
    sink.flush()
    sink.close()
    with sqlite3.connect(tmp_path / "out.db") as conn:
        assert conn.execute("select * from rows").description[0][0] == "b"
    conn.close()


def test_an_empty_table_that_was_there_before_stays(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "out.db") as conn:
        conn.execute("create table rows (b, a)")
    conn.close()
    sink = SqliteSink(tmp_path / "out.db", "rows", if_exists=IfExists.APPEND)
    sink.open(resume=False)
    confirmed = sink.position()
    sink.write({"a": 1})
    sink.flush()
    sink.truncate(confirmed)
    assert sink.position() == confirmed == 0
    sink.close()

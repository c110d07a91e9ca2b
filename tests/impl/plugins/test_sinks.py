"""Sinks: what is flushed is durable, and what was never confirmed can be cut away without a trace."""

import csv
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fateline_engine.plugins import PluginUnavailable, RowRefused, Sink
from fateline_engine.plugins.builtin.csv_files import CsvSink
from fateline_engine.plugins.builtin.jsonl_files import JsonlSink
from fateline_engine.plugins.builtin.sqlite_tables import SqliteSink
from fateline_engine.plugins.options import IfExists

Make = Callable[..., Sink]
MAKERS: dict[str, Make] = {
    "csv": CsvSink,
    "jsonl": JsonlSink,
    "sqlite": lambda path, **options: SqliteSink(path, "t", **options),
}


@pytest.fixture(params=list(MAKERS))
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    """Makes sinks of one kind, and closes them."""
    made: list[Sink] = []

    def maker(path: Path, **options: Any) -> Sink:
        made.append(MAKERS[request.param](path, **options))
        return made[-1]

    yield maker
    for sink in made:
        sink.close()


def rows_in(path: Path, kind: type[Sink] | Sink) -> list[dict[str, Any]]:
    """What somebody else reads there, as texts."""
    if isinstance(kind, SqliteSink):
        with closing(sqlite3.connect(path)) as connection:
            connection.row_factory = sqlite3.Row
            return [{key: str(row[key]) for key in row.keys()} for row in connection.execute("select * from t")]  # noqa: SIM118
    if isinstance(kind, CsvSink):
        with path.open(newline="") as stream:
            return list(csv.DictReader(stream))
    return [{key: str(value) for key, value in json.loads(line).items()} for line in path.read_text().splitlines()]


def texts(*numbers: int) -> list[dict[str, str]]:
    return [{"n": str(number)} for number in numbers]


def write(sink: Sink, *numbers: int) -> int:
    for number in numbers:
        sink.write({"n": number})
    sink.flush()
    return sink.position()


def test_what_was_flushed_is_there(tmp_path: Path, make: Make) -> None:
    sink = make(tmp_path / "deep" / "out")
    sink.open(resume=False)
    write(sink, 1, 2)
    assert rows_in(tmp_path / "deep" / "out", sink) == texts(1, 2)


def test_after_a_crash_it_is_cut_back_to_what_was_confirmed(tmp_path: Path, make: Make) -> None:
    crashed = make(tmp_path / "out")
    crashed.open(resume=False)
    start = crashed.position()
    confirmed = write(crashed, 1, 2)
    write(crashed, 3)
    crashed.write({"n": 4})
    crashed.close()
    resumed = make(tmp_path / "out")
    resumed.open(resume=True)
    assert resumed.position() >= confirmed
    resumed.truncate(confirmed)
    assert resumed.position() == confirmed
    assert rows_in(tmp_path / "out", resumed) == texts(1, 2)
    write(resumed, 5)
    assert rows_in(tmp_path / "out", resumed) == texts(1, 2, 5)
    resumed.truncate(start)
    write(resumed, 6)
    assert rows_in(tmp_path / "out", resumed) == texts(6)


@given(st.lists(st.sampled_from(["write", "flush", "mark", "crash"]), max_size=25))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@pytest.mark.parametrize("kind", list(MAKERS))
def test_whatever_happens_the_confirmed_rows_are_there_once(tmp_path: Path, kind: str, acts: list[str]) -> None:
    """Against a list: rows written, rows confirmed, and a crash that cuts back to the confirmed ones."""
    path = tmp_path / f"{kind}.out"
    sink = MAKERS[kind](path)
    sink.open(resume=False)
    position, confirmed, written = sink.position(), 0, list[int]()
    for number, act in enumerate(acts):
        if act == "write":
            sink.write({"n": number})
            written.append(number)
        elif act == "flush":
            sink.flush()
        elif act == "mark":
            sink.flush()
            position, confirmed = sink.position(), len(written)
        else:
            sink.close()
            sink = MAKERS[kind](path)
            sink.open(resume=True)
            sink.truncate(position)
            del written[confirmed:]
    sink.flush()
    there = rows_in(path, sink) if written else []
    sink.close()
    assert there == texts(*written)


def test_a_place_that_is_taken_is_replaced_kept_or_refused(tmp_path: Path, make: Make) -> None:
    path = tmp_path / "out"
    first = make(path)
    first.open(resume=False)
    write(first, 1)
    first.close()
    appending = make(path, if_exists=IfExists.APPEND)
    appending.open(resume=False)
    kept = appending.position()
    write(appending, 2)
    assert rows_in(path, appending) == texts(1, 2)
    appending.truncate(kept)
    assert rows_in(path, appending) == texts(1)
    appending.close()
    failing = make(path, if_exists=IfExists.FAIL)
    with pytest.raises(PluginUnavailable, match="already"):
        failing.open(resume=False)
    failing.open(resume=True)
    failing.close()
    replacing = make(path)
    replacing.open(resume=False)
    write(replacing, 3)
    assert rows_in(path, replacing) == texts(3)


def test_a_sink_that_lost_confirmed_rows_is_refused(tmp_path: Path, make: Make) -> None:
    sink = make(tmp_path / "out")
    sink.open(resume=False)
    confirmed = write(sink, 1)
    with pytest.raises(PluginUnavailable, match="restore it from a copy"):
        sink.truncate(confirmed + 1)


@pytest.mark.parametrize("value", [float("nan"), {1}, [float("inf")]])
def test_a_row_that_cannot_be_written_leaves_no_trace(tmp_path: Path, make: Make, value: object) -> None:
    sink = make(tmp_path / "out")
    sink.open(resume=False)
    write(sink, 1)
    before = sink.position()
    if isinstance(sink, SqliteSink) and not isinstance(value, list):
        value = [value]
    with pytest.raises(RowRefused):
        sink.write({"n": value})
    assert sink.position() == before
    write(sink, 2)
    assert rows_in(tmp_path / "out", sink) == texts(1, 2)


@pytest.mark.parametrize("kind", ["csv", "sqlite"])
def test_columns_are_declared_or_those_of_the_first_row(tmp_path: Path, kind: str) -> None:
    sink = MAKERS[kind](tmp_path / "out", fields=("b", "a"))
    sink.open(resume=False)
    sink.write({"a": 1})
    with pytest.raises(RowRefused, match=r"no column for c: the (file|table) has b, a"):
        sink.write({"a": 1, "c": 2})
    sink.write({"a": {"x": [1]}, "b": "y"})
    sink.flush()
    found = rows_in(tmp_path / "out", sink)
    sink.close()
    assert [list(row) for row in found] == [["b", "a"]] * 2
    assert found[1] == {"b": "y", "a": '{"x": [1]}'}
    undeclared = MAKERS[kind](tmp_path / "other")
    undeclared.open(resume=False)
    with pytest.raises(RowRefused, match="without fields"):
        undeclared.write({})
    undeclared.write({"z": True})
    undeclared.flush()
    assert [list(row) for row in rows_in(tmp_path / "other", undeclared)] == [["z"]]
    undeclared.close()


def test_csv_quotes_what_needs_it(tmp_path: Path) -> None:
    sink = CsvSink(tmp_path / "out")
    sink.open(resume=False)
    sink.write({"a": 'x,"y"\nz', "b": None})
    sink.flush()
    assert rows_in(tmp_path / "out", sink) == [{"a": 'x,"y"\nz', "b": ""}]
    sink.close()


def test_a_place_that_cannot_be_written_is_a_clear_error(tmp_path: Path, make: Make) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "out"):
        with pytest.raises(PluginUnavailable, match=f"{path} cannot be opened for writing: "):
            make(path).open(resume=False)


def test_a_full_disk_stops_the_run_and_not_the_row(tmp_path: Path) -> None:
    sink = JsonlSink(tmp_path / "out")
    sink.open(resume=False)
    sink.write({"n": 1})
    full_disk = patch("os.fsync", side_effect=OSError(28, "No space left on device"))
    with full_disk, pytest.raises(PluginUnavailable, match="cannot be flushed to the disk: No space left on device"):
        sink.flush()
    sink.close()
    with open("/dev/full", "wb", buffering=0) as full:
        sink._file._stream = full
        with pytest.raises(PluginUnavailable, match="cannot be written: No space left on device"):
            sink.write({"n": 2})


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_new_file_is_made_durable_with_its_name(tmp_path: Path, kind: str) -> None:
    sink = MAKERS[kind](tmp_path / "out")
    sink.open(resume=False)
    with patch("os.fsync", wraps=os.fsync) as sync:
        write(sink, 1)
        assert sync.call_count == 2, "the file and its folder"
        write(sink, 2)
        assert sync.call_count == 3, "the file"
    sink.close()


def test_closing_on_a_full_disk_loses_only_what_was_never_confirmed(tmp_path: Path) -> None:
    sink = JsonlSink(tmp_path / "out")
    sink.open(resume=False)
    sink.close()
    sink._file._stream = open("/dev/full", "wb")  # noqa: SIM115
    sink.write({"n": 1})
    sink.close()
    with pytest.raises(RuntimeError, match="is not open"):
        sink.write({"n": 2})


def test_a_locked_database_stops_the_run_and_not_the_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fateline_engine.plugins.builtin.sqlite_tables._WAIT_SECONDS", 0.01)
    sink = SqliteSink(tmp_path / "out", "t")
    sink.open(resume=False)
    with closing(sqlite3.connect(tmp_path / "out", isolation_level=None)) as other:
        other.execute("begin exclusive")
        with pytest.raises(PluginUnavailable, match="database is locked"):
            sink.write({"n": 1})
    sink.close()


def test_a_table_that_does_not_take_a_row_refuses_only_that_row(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "out")) as connection:
        connection.execute("create table t (n integer unique)")
    sink = SqliteSink(tmp_path / "out", "t", if_exists=IfExists.APPEND)
    sink.open(resume=False)
    sink.write({"n": 1})
    with pytest.raises(RowRefused, match="UNIQUE constraint failed"):
        sink.write({"n": 1})
    with pytest.raises(RowRefused, match="too large"):
        sink.write({"n": 2**70})
    write(sink, 2)
    assert rows_in(tmp_path / "out", sink) == texts(1, 2)
    sink.close()


NEVER: dict[str, tuple[str, dict[str, Any]]] = {
    "names that differ only by case": ("sqlite", {"a": 1, "A": 2}),
    "a zero byte in a name": ("sqlite", {"a\0b": 1}),
    "more columns than SQLite has": ("sqlite", {f"f{n}": n for n in range(2_001)}),
    "all names of the rowid": ("sqlite", {"rowid": 1, "OID": 2, "_rowid_": 3}),
    "a number that is too large": ("sqlite", {"a": 2**70}),
    "half a character": ("sqlite", {"\ud800": 1}),
    "half a character in a header": ("csv", {"\ud800": 1}),
    "a field that no reader of CSV takes": ("csv", {"x" * 200_000: 1}),
    "a header that begins like a mark of the encoding": ("csv", {"\ufeffa": 1}),
    "no field": ("csv", {}),
    "no field for a table": ("sqlite", {}),
}
"""Rows that no table or file can begin with."""


@pytest.mark.parametrize("name", list(NEVER))
def test_a_row_that_can_never_be_written_is_refused_and_leaves_no_trace(tmp_path: Path, name: str) -> None:
    kind, row = NEVER[name]
    sink = MAKERS[kind](tmp_path / "out")
    sink.open(resume=False)
    before = sink.position()
    for _ in range(2):
        with pytest.raises(RowRefused):
            sink.write(row)
        assert sink.position() == before
    write(sink, 1)
    assert rows_in(tmp_path / "out", sink) == texts(1)
    confirmed = sink.position()
    sink.close()
    sink.open(resume=True)
    sink.truncate(confirmed)
    assert rows_in(tmp_path / "out", sink) == texts(1)
    sink.close()


@pytest.mark.parametrize("names", [("rowid", "x"), ("RowID", "oid"), ("_rowid_", "rowid"), ("oid", "x")])
def test_a_field_may_have_a_name_of_the_rowid(tmp_path: Path, names: tuple[str, str]) -> None:
    sink = SqliteSink(tmp_path / "out", "t")
    sink.open(resume=False)
    rows = [dict.fromkeys(names, str(number)) for number in (7, 3, 100)]
    for row in rows[:2]:
        sink.write(row)
    sink.flush()
    confirmed = sink.position()
    sink.write(dict.fromkeys(names, "lost"))
    sink.flush()
    sink.close()
    sink.open(resume=True)
    sink.truncate(confirmed)
    sink.write(rows[2])
    sink.flush()
    assert rows_in(tmp_path / "out", sink) == rows
    sink.close()


def test_a_table_that_has_its_own_numbers_is_not_appended_to(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "out")) as connection, connection:
        connection.execute("create table t (id integer primary key, n)")
    sink = SqliteSink(tmp_path / "out", "t", if_exists=IfExists.APPEND)
    with pytest.raises(PluginUnavailable, match="its column id is its rowid"):
        sink.open(resume=False)


def test_columns_that_no_table_can_have_are_refused_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="duplicate column name: A"):
        SqliteSink(tmp_path / "out", "t", fields=("a", "A"))


@pytest.mark.parametrize("row", [{"a\nb": "1", "c": "2"}, {"a": "x\ry", "c": '"\r\n'}])
def test_ends_of_lines_in_names_and_values_survive_a_resume(tmp_path: Path, row: dict[str, str]) -> None:
    sink = CsvSink(tmp_path / "out")
    sink.open(resume=False)
    sink.write(row)
    sink.flush()
    confirmed = sink.position()
    sink.close()
    sink.open(resume=True)
    sink.truncate(confirmed)
    sink.write(row)
    sink.flush()
    assert rows_in(tmp_path / "out", sink) == [row, row]
    sink.close()


@pytest.mark.parametrize("kind", ["csv", "sqlite"])
def test_the_time_of_a_row_does_not_grow_with_the_square_of_its_fields(tmp_path: Path, kind: str) -> None:
    """Counted, not measured: no name is compared with every column."""
    compared = 0

    class Name(str):
        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return str.__eq__(self, other)

    sink = MAKERS[kind](tmp_path / "out")
    sink.open(resume=False)
    row = {f"f{n}": n for n in range(1_000)}
    sink.write(row)
    sink.write({Name(name): value for name, value in row.items()})
    assert compared < 10_000
    sink.close()


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path, make: Make) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PluginUnavailable, match="not a regular file"):
        make(tmp_path / "pipe").open(resume=False)


def test_a_loop_of_links_is_one_clear_error(tmp_path: Path, make: Make) -> None:
    (tmp_path / "one").symlink_to(tmp_path / "two")
    (tmp_path / "two").symlink_to(tmp_path / "one")
    with pytest.raises(PluginUnavailable, match="Too many levels of symbolic links"):
        make(tmp_path / "one").open(resume=False)

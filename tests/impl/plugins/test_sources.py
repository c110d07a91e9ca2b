"""Sources: good records in order, bad ones as invalid rows with a reason, unreadable files as one clear error."""

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fateline_engine.plugins import PluginUnavailable, Source, SourceRecord
from fateline_engine.plugins.builtin import jsonl_files, sqlite_tables
from fateline_engine.plugins.builtin.csv_files import CsvSource
from fateline_engine.plugins.builtin.jsonl_files import JsonlSource
from fateline_engine.plugins.builtin.sqlite_tables import SqliteSource


def read(source: Source, start: int = 0) -> list[SourceRecord]:
    source.open()
    try:
        return list(source.records(start))
    finally:
        source.close()


def csv_records(folder: Path, content: bytes, **options: Any) -> list[SourceRecord]:
    (folder / "in.csv").write_bytes(content)
    return read(CsvSource(folder / "in.csv", **options))


def jsonl_records(folder: Path, content: bytes, **options: Any) -> list[SourceRecord]:
    (folder / "in.jsonl").write_bytes(content)
    return read(JsonlSource(folder / "in.jsonl", **options))


def test_csv_gives_texts_unless_told_otherwise(tmp_path: Path) -> None:
    content = b'\xef\xbb\xbfid,name,price\r\n1,"Ada, ""A""",2.5\r\n\r\n2,,3\r\n'
    plain, typed = csv_records(tmp_path, content)
    assert plain == SourceRecord(0, {"id": "1", "name": 'Ada, "A"', "price": "2.5"}, dict.fromkeys(plain.data, "str"))
    plain, typed = csv_records(tmp_path, content, fields={"id": "int", "name": "str?", "price": "float"})
    assert (plain.data["id"], plain.data["price"], typed.data) == (1, 2.5, {"id": 2, "name": None, "price": 3.0})
    assert typed.contract == {"id": "int", "name": "str", "price": "float"}


@pytest.mark.parametrize(
    "line, told",
    [
        (b"x,2", "record 2: a: 'x' is not an int"),
        (b",2", "a: '' is not an int"),
        (b"9223372036854775808,2", "is not an int"),
        (b"1_0,2", "'1_0' is not an int"),
        (b"1", "1 cells, and the header has 2"),
        (b"1,2,3", "3 cells"),
        (b"1,\xff", "b: not UTF-8"),
        (b"\xe9,2,3", "3 cells"),
        (b'1,"x"y', "not CSV: ',' expected after '\"'"),
    ],
)
def test_a_bad_csv_record_is_an_invalid_row_and_costs_no_other(tmp_path: Path, line: bytes, told: str) -> None:
    content = b"a,b\n1,2\n" + line + b"\n3,4\n"
    before, bad, after = csv_records(tmp_path, content, fields={"a": "int"})
    assert before.valid
    assert after == SourceRecord(2, {"a": 3, "b": "4"}, {"a": "int", "b": "str"})
    assert (bad.index, bad.valid, bad.contract) == (1, False, None)
    assert told in str(bad.error)
    json.dumps(bad.data, ensure_ascii=False).encode()


def test_a_csv_file_that_ends_within_quotes_is_an_invalid_row(tmp_path: Path) -> None:
    good, bad = csv_records(tmp_path, b'a,b\n1,2\n3,"4\n5,6\n')
    assert good.valid
    assert "unexpected end of data" in str(bad.error)


@pytest.mark.parametrize(
    "content, options, told",
    [
        (b"", {}, "is empty: the first line must name the fields"),
        (b"\n1,2\n", {}, "is empty"),
        (b"a,a\n", {}, "repeated field"),
        (b"a,\n", {}, "empty or repeated field"),
        (b"\xff\xfe,b\n", {}, "not UTF-8"),
        (b"a;b\n", {"fields": {"b": "int"}}, "no field b in its first line, which has a;b: check fields and delimiter"),
        (b'"a"b,c\n', {}, "is not CSV"),
    ],
)
def test_an_unreadable_csv_file_is_told_before_the_run(
    tmp_path: Path, content: bytes, options: dict[str, Any], told: str
) -> None:
    with pytest.raises(PluginUnavailable, match=told):
        csv_records(tmp_path, content, **options)


def test_jsonl_gives_objects_with_the_types_of_their_values(tmp_path: Path) -> None:
    first, second = jsonl_records(
        tmp_path,
        '{"a": 1, "b": {"c": [null]}, "é": true}\n\n  \n{"a": "2", "n": null, "f": 1.5}'.encode(),
    )
    assert first == SourceRecord(0, {"a": 1, "b": {"c": [None]}, "é": True}, {"a": "int", "b": "dict", "é": "bool"})
    assert second.contract == {"a": "str", "n": "any", "f": "float"}
    assert second.index == 1


@pytest.mark.parametrize(
    "line, told",
    [
        (b"[1]", "line 2: not a JSON object"),
        (b"{", "line 2: not JSON: Expecting property name"),
        (b"{} {}", "not JSON: Extra data at character 4"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": -Infinity}', "-Infinity is not JSON"),
        (b'{"a": 1, "a": 2}', "the same key twice"),
        (b'{"a": {"b": 1, "b": 1}}', "the same key twice"),
        (b'{"a": "\xff"}', "not UTF-8 (byte 7)"),
        (b'{"a": ' + b"[" * 100_000, "recursion"),
        (b'{"b": 1}', "has no field a"),
        (b'{"a": "x"}', "a: 'x' is not an int"),
        (b'{"a": 1.5}', "a: 1.5 is not an int"),
        (b'{"a": null}', "a: null is not an int"),
        (b'{"a": true}', "a: True is not an int"),
    ],
)
def test_a_bad_jsonl_line_is_an_invalid_row_and_costs_no_other(tmp_path: Path, line: bytes, told: str) -> None:
    content = b'{"a": 1}\n' + line + b'\n{"a": "3"}'
    before, bad, after = jsonl_records(tmp_path, content, fields={"a": "int"})
    assert before.valid
    assert after == SourceRecord(2, {"a": 3}, {"a": "int"})
    assert (bad.index, bad.contract) == (1, None)
    assert told in str(bad.error)
    assert isinstance(bad.data["_raw"], str)
    assert len(bad.data["_raw"]) <= 1000


def test_a_line_that_never_ends_is_an_invalid_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl_files, "MAX_LINE", 10)
    bad, good = jsonl_records(tmp_path, b'{"a": "' + b"x" * 50 + b'"}\n{"a": 1}\n')
    assert "longer than 10 bytes" in str(bad.error)
    assert good == SourceRecord(1, {"a": 1}, {"a": "int"})


def test_an_optional_field_may_be_absent(tmp_path: Path) -> None:
    absent, given = jsonl_records(tmp_path, b'{}\n{"a": 2}', fields={"a": "int?"})
    assert (absent.data, given.data) == ({"a": None}, {"a": 2})
    assert absent.contract == given.contract == {"a": "int"}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "in.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table people (id integer primary key, name, weight)")
        connection.executemany(
            "insert into people values (?, ?, ?)", [(3, "Cy", None), (1, "Ada", 2.5), (2, b"\0", 1), (4, "Di", 1e999)]
        )
    connection.close()
    return path


def test_a_table_comes_in_the_order_of_its_rowids(database: Path) -> None:
    first, blob, third, infinite = read(SqliteSource(database, table="people"))
    assert first == SourceRecord(
        0, {"id": 1, "name": "Ada", "weight": 2.5}, {"id": "int", "name": "str", "weight": "float"}
    )
    assert "record 2: name: a blob is not a value of a row" in str(blob.error)
    assert third.contract == {"id": "int", "name": "str", "weight": "any"}
    assert "weight: not a finite number" in str(infinite.error)
    json.dumps([blob.data, infinite.data], allow_nan=False)


def test_a_query_comes_as_it_says(database: Path) -> None:
    query = "select name, weight as kg from people where id in (1, 3) order by id desc"
    cy, ada = read(SqliteSource(database, query=query, fields={"kg": "float"}))
    assert "kg: null is not a float" in str(cy.error)
    assert ada.data == {"name": "Ada", "kg": 2.5}


@pytest.mark.parametrize(
    "options, told",
    [
        ({"table": "nobody"}, "no such table: nobody"),
        ({"query": "selec 1"}, "syntax error"),
        ({"query": "select 1 as a, 2 as a"}, "two columns of one name: a, a"),
        ({"query": "delete from people"}, "not authorized|authorization denied"),
        ({"query": "pragma user_version = 3"}, "not authorized|authorization denied"),
        ({"query": "attach 'made' as y"}, "not authorized|authorization denied"),
        ({"query": "vacuum into 'made'"}, "not authorized|authorization denied"),
        ({"query": "select load_extension('made')"}, "not authorized|authorization denied"),
        ({"table": "people", "fields": {"size": "int"}}, "has no column size; there are id, name, weight"),
    ],
)
def test_a_database_that_cannot_serve_is_told_before_the_run(
    database: Path, options: dict[str, Any], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(database.parent)
    before, files = database.read_bytes(), sorted(database.parent.iterdir())
    with pytest.raises(PluginUnavailable, match=told):
        read(SqliteSource(database, **options))
    assert database.read_bytes() == before
    assert sorted(database.parent.iterdir()) == files


def test_a_query_that_gives_no_next_row_ends(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that moves on by a second whenever it is read, so that load decides nothing."""
    clock = SimpleNamespace(monotonic=count().__next__)
    monkeypatch.setattr(sqlite_tables, "time", clock)
    endless = "with recursive r(n) as (select 1 union all select n + 1 from r) select n from r"
    never = SqliteSource(database, query=f"{endless} where n < 3", patience=9)
    with pytest.raises(PluginUnavailable, match="a row took too long: raise patience"):
        read(never)
    some = SqliteSource(database, query=f"{endless} limit 200000", patience=9)
    assert len(read(some)) == 200_000, "each row has its own time"


def test_a_table_with_a_column_called_rowid_is_read_by_its_rowid(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("create table odd (RowId, oid)")
        connection.executemany("insert into odd values (?, ?)", [(7, 1), (3, 2), (3, 0)])
    assert [record.data["RowId"] for record in read(SqliteSource(database, table="odd"))] == [7, 3, 3]


@pytest.mark.parametrize("make", [CsvSource, JsonlSource, lambda path: SqliteSource(path, table="t")])
def test_a_pipe_or_a_device_is_refused_and_not_waited_for(tmp_path: Path, make: Callable[[Path], Source]) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(PluginUnavailable, match="not a regular file"):
            make(path).open()


@pytest.mark.parametrize("options", [{}, {"table": "a", "query": "b"}])
def test_a_table_or_a_query_but_not_both(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="either table or query"):
        SqliteSource(Path("x"), **options)


@pytest.mark.parametrize("make", [CsvSource, JsonlSource, lambda path: SqliteSource(path, table="t")])
def test_a_missing_file_a_folder_and_a_file_of_another_kind_are_clear_errors(
    tmp_path: Path, make: Callable[[Path], Source]
) -> None:
    for path in (tmp_path / "nowhere", tmp_path):
        source = make(path)
        with pytest.raises(PluginUnavailable, match=f"{path} cannot be read: "):
            source.open()
        source.close()


@given(st.binary(max_size=80), st.integers(0, 4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
def test_any_bytes_are_records_or_one_error_and_reading_on_gives_the_same(
    tmp_path: Path, content: bytes, start: int
) -> None:
    for name, make in (("x.csv", CsvSource), ("x.jsonl", JsonlSource)):
        (tmp_path / name).write_bytes(content)
        try:
            records = read(make(tmp_path / name))
        except PluginUnavailable:
            continue
        assert [record.index for record in records] == list(range(len(records)))
        assert all((record.contract is None) is (not record.valid) for record in records)
        assert read(make(tmp_path / name), start) == records[start:]

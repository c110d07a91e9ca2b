"""Trails as JSON lines, landscapes with any content, and files of views, given to every command that reads a trail."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from fateline_engine.landscape import GUARDS, Landscape
from fateline_engine.landscape.export import lines
from tests.impl.landscape.test_guards import scene
from tests.inputs.damage import VALUES, damaged_bytes, damaged_data, damaged_text
from tests.inputs.harness import Misbehaved, Sandboxes, check, fuzz, lengths

PATIENCE = ("--patience", "1")


@cache
def records() -> list[Any]:
    """Both runs of the scene, one not over and one over."""
    with closing(Landscape.open(":memory:")) as landscape:
        landscape.restore(scene())
        return [json.loads(line) for run in ("one", "two") for line in lines(landscape, run)]


def read_by_all(folder: Path, file: str, *options: object) -> None:
    """No command that reads a trail writes a file that is not asked for."""
    check(folder, "audit", file, "--jobs", 1, *PATIENCE, *options)
    check(folder, "audit", file, "--jobs", 1, *PATIENCE, "--json", *options)
    check(folder, "conform", "--trail", file, *options)
    check(folder, "explain", file, "0", *options)
    page = ("--states", "20", "--output", "p.html")
    check(folder, "explore", "--database", file, "--row", "0", *page, *options, named="p.html")
    check(folder, "diff", file, file, *options)
    check(folder, "export", file, "--overview", *options)
    check(folder, "export", file, *options, text=False)


def as_lines(given: list[Any]) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in given).encode()


@lengths(5, 250)
def test_records(tmp_path: Path, many: int) -> None:
    folders = Sandboxes(tmp_path)

    def tried(given: list[Any]) -> None:
        folder = folders.next()
        (folder / "t.jsonl").write_bytes(as_lines(given))
        read_by_all(folder, "t.jsonl")

    fuzz(many, damaged_data([records()], ["one", "two", "0:0", "0", "r", [1], 10**30]), tried)


@lengths(8, 1_000)
def test_lines(tmp_path: Path, many: int) -> None:
    folders = Sandboxes(tmp_path)

    def tried(content: bytes) -> None:
        folder = folders.next()
        (folder / "t.jsonl").write_bytes(content)
        read_by_all(folder, "t.jsonl")

    fuzz(many, damaged_bytes([as_lines(records()), as_lines(records()[:9])]), tried)


@cache
def tables() -> dict[str, list[str]]:
    with closing(sqlite3.connect(":memory:")) as conn:
        conn.deserialize(scene())
        names = [name for (name,) in conn.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {name: [row[1] for row in conn.execute(f"PRAGMA table_info({name})")] for name in names}


@st.composite
def changes(draw: st.DrawFn) -> list[tuple[str, object]]:
    """Up to four columns of a landscape that get another value."""
    found: list[tuple[str, object]] = []
    for _ in range(draw(st.integers(0, 4))):
        table = draw(st.sampled_from(sorted(tables())))
        column = draw(st.sampled_from(tables()[table]))
        value = draw(st.sampled_from([*VALUES, "[]", "{}", "[[1]]", "not json", '["a"]', b"", b"{}", b"[", b"\xff"]))
        where = draw(st.sampled_from(["1", "run = 1", "rowid = 1" if table == "runs" else "run = 2"]))
        found.append((f"UPDATE OR IGNORE {table} SET {column} = ? WHERE {where}", value))
    return found


def stored(value: object) -> object:
    """What SQLite can hold of a value."""
    if isinstance(value, list | dict):
        return json.dumps(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return str(value)
    return value.encode("utf-8", "surrogatepass").decode("utf-8", "replace") if isinstance(value, str) else value


@lengths(4, 200)
def test_landscapes(tmp_path: Path, many: int) -> None:
    """Guards off and checks of the types off: what a program can write into the file."""
    folders = Sandboxes(tmp_path)

    def tried(statements: list[tuple[str, object]]) -> None:
        folder = folders.next()
        with closing(sqlite3.connect(folder / "t.db", isolation_level=None)) as conn:
            conn.deserialize(scene())
            for guard in GUARDS:
                conn.execute(f"DROP TRIGGER {guard.name}")
            conn.execute("PRAGMA foreign_keys = OFF")
            conn.execute("PRAGMA ignore_check_constraints = ON")
            for sql, value in statements:
                try:
                    conn.execute(sql, (stored(value),))
                except sqlite3.Error:
                    continue
            (folder / "t.db").write_bytes(conn.serialize())
        read_by_all(folder, "t.db")

    fuzz(many, changes(), tried)


@lengths(5, 500)
def test_landscapes_with_any_bytes(tmp_path: Path, many: int) -> None:
    folders = Sandboxes(tmp_path)

    def tried(content: bytes) -> None:
        folder = folders.next()
        (folder / "t.db").write_bytes(content)
        read_by_all(folder, "t.db")

    fuzz(many, damaged_bytes([scene()]), tried)


OWN = """\
-- Adapter: own
-- Note: a note
CREATE VIEW trail_runs AS SELECT run, status FROM r;
CREATE VIEW trail_rows AS SELECT run, row, row AS part FROM t;
CREATE VIEW trail_tokens AS SELECT run, row, token, row AS part FROM t;
CREATE VIEW trail_outcomes AS SELECT run, token, 'completed' AS outcome FROM t;
CREATE VIEW trail_nodes AS SELECT run, 'out' AS node, 'sink' AS kind FROM r;
"""
PIECES = [
    "SELECT", "FROM t", "FROM t, t AS u", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS run FROM n", "CREATE TABLE x (a);",
    "ATTACH 'made.db' AS y;", "VACUUM INTO 'made.db';", "DELETE FROM t;", "PRAGMA writable_schema = ON;", "printf('%.*c', 900000000, 'x')", "load_extension('x')",
    "zeroblob(999999999)", "randomblob(100)", "-- Like: ", "-- Wants: r.run", "-- Profile: C2 x", "-- Versions: 0 to 1", "-- Whole: x", "AS part", "AS status", "NULL",
    "CREATE TEMP VIEW trail_visits AS SELECT * FROM trail_visits;", "json_each('[')", "json_extract('{', '$')", "CREATE VIEW trail_hops AS SELECT 1 AS run;", "UNION ALL ",
]  # fmt: skip


@lengths(8, 800)
def test_views(tmp_path: Path, many: int) -> None:
    folders = Sandboxes(tmp_path)

    def tried(text: str) -> None:
        folder = folders.next()
        with closing(sqlite3.connect(folder / "own.db")) as conn, conn:
            conn.executescript("CREATE TABLE r (run, status); CREATE TABLE t (run, row, token);")
            conn.executemany("INSERT INTO r VALUES (?, ?)", [("1", "completed"), (2, "running")])
            conn.executemany("INSERT INTO t VALUES (?, ?, ?)", [("1", 1, "a"), (2, 2, 5), (2, "é", "\x1b[1m")])
        (folder / "own.sql").write_bytes(text.encode("utf-8", "surrogatepass"))
        check(folder, "views", "own.db", "--check", "own.sql")
        check(folder, "audit", "own.db", "--views", "own.sql", "--jobs", 1, *PATIENCE)
        check(folder, "explain", "own.db", "1", "--views", "own.sql")
        check(folder, "diff", "own.db", "own.db", "--views", "own.sql")

    fuzz(many, damaged_text([OWN], PIECES), tried)


STEERING: list[Any] = [
    {"rec": "runs", "run": "r\x1b]0;x\x07", "status": "completed"},
    {"rec": "rows", "run": "r\x1b]0;x\x07", "row": "0"},
    {"rec": "tokens", "run": "r\x1b]0;x\x07", "row": "0", "token": "\x1b[2J\u202e\x9b"},
]


def test_seeded_faults_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader of lines that fails with an error of Python, and a lineage that is printed as it was read."""

    def fails(*_: object, **__: object) -> Iterator[Any]:
        raise RuntimeError("seeded")

    with monkeypatch.context() as patched:
        patched.setattr("fateline_oracle.audit.import_records.lines_of", fails)
        with pytest.raises(Misbehaved, match="traceback"):
            test_records(tmp_path, 40)
    with monkeypatch.context() as patched:
        patched.setattr("fateline_oracle.cli.show_trail.harmless", str)
        folder = Sandboxes(tmp_path).next()
        (folder / "t.jsonl").write_bytes(as_lines(STEERING))
        with pytest.raises(Misbehaved, match="steer a terminal"):
            check(folder, "explain", "t.jsonl", "0")
    read_by_all(folder, "t.jsonl")

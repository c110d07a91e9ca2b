"""Sources: any bytes as CSV, as JSON lines and as a database, and any query."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import strategies as st

from fateline_engine.plugins.builtin import csv_files
from tests.inputs.damage import damaged_bytes, damaged_text
from tests.inputs.harness import Misbehaved, Sandboxes, check, fuzz, lengths

CSV = [
    b'n,text\n1,a\n2,"b""c"\n3,"d\ne"\n',
    b"\xef\xbb\xbfn;text\r\n1;a\r\n",
    b"rowid,a,A,\n1,2,3,4\n",
    b"n\n" + b"7\n" * 50,
]
JSONL = [
    b'{"n": 1, "text": "a"}\n{"n": 2}\n[]\n\n{"n": 1e400}\n', b'{"a": {"b": [1, 2, {"c": null}]}}\n{"a": NaN}\n',
    b'{"\\u0000": 1, "\\ud800": 2}\n{"a": 1, "A": 2, "a": 3}\n{"rowid": 7}\n', b'{"n": 18446744073709551616}\n' * 20,
]  # fmt: skip
QUERIES = [
    "select n, text from t order by n", "select * from t, t as u", "with recursive r(i) as (select 1 union all select i+1 from r limit 9) select i from r",
    "select * from v", "select n as a, n as b from t", "select x'00' as b, 1e999 as c, null as d", "select * from t where text match 'a'",
]  # fmt: skip
PIECES = [
    *QUERIES, "attach 'made.db' as y", "vacuum into 'made.db'", "pragma journal_mode = delete", "pragma writable_schema = on", "insert into t values (9, 'x')",
    "; delete from t", "select load_extension('x')", "select writefile('made.db', 'x')", "select zeroblob(2000000000)", "printf('%.*c', 100000000, 'x')",
    " from r union all select i + 1 from r", "select * from pragma_table_info('t')", "create temp table made (a)", "begin", "explain ", "returning *",
]  # fmt: skip


def pipeline(folder: Path, plugin: str, options: dict[str, Any], sink: str) -> None:
    options_of = {
        "csv": {"path": "out.csv"},
        "jsonl": {"path": "out.jsonl"},
        "sqlite": {"path": "out.db", "table": "t"},
    }
    nodes = [
        {"name": "src", "kind": "source", "to": "out", "plugin": plugin, "options": options},
        {"name": "out", "kind": "sink", "plugin": sink, "options": options_of[sink]},
    ]
    (folder / "p.yaml").write_text(yaml.safe_dump({"name": "p", "nodes": nodes}, sort_keys=False))


def read(folder: Path, plugin: str, content: bytes, sink: str, **options: Any) -> None:
    """Run it, and explain what came of it. The source stays as it is, and gets no files beside it."""
    (folder / "in.x").write_bytes(content)
    pipeline(folder, plugin, {"path": "in.x", **options}, sink)
    ended = check(folder, "run", "p.yaml", named=r"p\.db|out\.\w+")
    if ended.exit_code == 0:
        assert check(folder, "audit", "p.db", "--jobs", 1).exit_code == 0
        check(folder, "explain", "p.db", "0")
        check(folder, "explain", "p.db", "out:1")


SINKS = st.sampled_from(["csv", "jsonl", "sqlite"])


@pytest.mark.parametrize("plugin, contents", [("csv", CSV), ("jsonl", JSONL)])
@lengths(8, 400)
def test_files(tmp_path: Path, plugin: str, contents: list[bytes], many: int) -> None:
    folders = Sandboxes(tmp_path)
    fuzz(many, st.tuples(damaged_bytes(contents), SINKS), lambda given: read(folders.next(), plugin, *given))


def database(folder: Path, wal: bool) -> bytes:
    path = folder / "made.db"
    with closing(sqlite3.connect(path)) as conn:
        conn.executescript(
            f"PRAGMA journal_mode = {'wal' if wal else 'delete'}; PRAGMA page_size = 512; CREATE TABLE t (n, text);"
            "CREATE TABLE k (a TEXT PRIMARY KEY, b) WITHOUT ROWID; CREATE VIEW v AS SELECT * FROM t; CREATE INDEX i ON t (n);"
            "INSERT INTO t VALUES (1, 'a'), (2, NULL), (3, x'00'), (1e999, 'é'), ('n', 4.5);"
        )
        conn.commit()
    content = path.read_bytes()
    path.unlink()
    return content


@lengths(8, 400)
def test_databases(tmp_path: Path, many: int) -> None:
    folders, contents = Sandboxes(tmp_path), [database(tmp_path, wal) for wal in (False, True)]
    tables = st.sampled_from(["t", "k", "v", "sqlite_schema", "nothing"])
    fuzz(
        many, st.tuples(damaged_bytes(contents), SINKS, tables),
        lambda given: read(folders.next(), "sqlite", given[0], given[1], table=given[2], patience=1),
    )  # fmt: skip


@lengths(8, 400)
def test_queries(tmp_path: Path, many: int) -> None:
    folders, contents = Sandboxes(tmp_path), [database(tmp_path, wal) for wal in (False, True)]
    fuzz(
        many, st.tuples(st.sampled_from(contents), SINKS, damaged_text(QUERIES, PIECES)),
        lambda given: read(folders.next(), "sqlite", given[0], given[1], query=given[2], patience=1),
    )  # fmt: skip


def test_seeded_faults_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that fails with an error of Python, and a source that leaves a file beside the database."""

    def fails(*_: object) -> None:
        raise RuntimeError("seeded")

    with monkeypatch.context() as patched:
        patched.setattr(csv_files.CsvSource, "records", fails)
        with pytest.raises(Misbehaved, match="traceback"):
            test_files(tmp_path, "csv", CSV, 40)
    close = csv_files.CsvSource.close

    def writes(self: csv_files.CsvSource) -> None:
        close(self)
        self.path.write_bytes(b"n\n1\n")

    with monkeypatch.context() as patched:
        patched.setattr(csv_files.CsvSource, "close", writes)
        with pytest.raises(Misbehaved, match=r"nobody named: in\.x"):
            test_files(tmp_path, "csv", CSV, 40)

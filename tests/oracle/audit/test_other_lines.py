"""JSON lines of another format: they become a table that views can read, whatever is in them."""

import json
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from fateline_oracle.audit.other_lines import MOST_KEYS, copy_lines_of, is_other_format
from fateline_oracle.cli import main
from fateline_oracle.trails.reader import LINE

VIEWS = """
CREATE VIEW trail_runs AS SELECT DISTINCT job AS run, 'completed' AS status FROM lines;
CREATE VIEW trail_tokens AS SELECT job AS run, job AS "row", piece AS token FROM lines WHERE what = 'made';
CREATE VIEW trail_outcomes AS
SELECT job AS run, piece AS token, json_extract(how, '$.word') AS outcome FROM lines WHERE what = 'ended';
"""
EVENTS: list[dict[str, Any]] = [
    {"job": "j", "what": "made", "piece": "p"},
    {"job": "j", "what": "ended", "piece": "p", "how": {"word": "completed"}},
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def written(folder: Path, *events: object) -> Path:
    path = folder / "events.jsonl"
    path.write_text("".join(f"{json.dumps(event)}\n" for event in events), encoding="utf-8")
    return path


def audit(folder: Path, *events: object, views: str | None = VIEWS) -> Result:
    words = ["audit", str(written(folder, *events))]
    if views is not None:
        (folder / "views.sql").write_text(views)
        words += ["--views", str(folder / "views.sql")]
    return CliRunner().invoke(main, words)


def table(path: Path) -> tuple[list[str], list[tuple[Any, ...]]]:
    with tempfile.TemporaryDirectory() as folder:
        copy_lines_of(path, Path(folder) / "lines.db")
        with closing(sqlite3.connect(Path(folder) / "lines.db")) as conn:
            found = conn.execute("SELECT * FROM lines ORDER BY number")
            return [column[0] for column in found.description], found.fetchall()


def test_views_read_the_lines_of_any_engine(tmp_path: Path) -> None:
    assert audit(tmp_path, *EVENTS).exit_code == 0
    done = audit(tmp_path, *EVENTS, {"job": "j", "what": "made", "piece": "q"})
    assert done.exit_code == 1
    assert "F2  Exactly one when the run is over: has no fate" in done.output


def test_without_views_the_keys_are_named(tmp_path: Path) -> None:
    done = audit(tmp_path, *EVENTS, views=None)
    assert done.exit_code == 3
    assert "its lines, which have no key `rec`" in done.output
    assert "lines(number, line, job, what, piece, how)" in done.output
    assert "--views FILE" in done.output


def test_a_trail_of_ours_needs_no_views(tmp_path: Path) -> None:
    done = audit(tmp_path, {"rec": "runs", "run": "r"})
    assert (done.exit_code, "needs no --views" in done.output) == (3, True)


@pytest.mark.parametrize(
    "second, said",
    [
        (b"[1]", ":2: not a JSON object"),
        (b"{", ":2: not JSON"),
        (b"\xff", ":2: not JSON"),
        (b'"' + b"a" * LINE + b'"', f":2: the line has more than {LINE:,} bytes"),
        (b"[" * 100_000, ":2: not JSON"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(second: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"a": 1}\n' + second + b"\n")
    done = CliRunner().invoke(main, ["audit", str(path)])
    assert (done.exit_code, said in done.output, len(done.output.splitlines())) == (3, True, 1), done.output


def test_a_line_is_a_record_with_its_values(tmp_path: Path) -> None:
    path = written(
        tmp_path, {"a": 1, "A": 2, "b": [1], "c": True, "d": 2**70, 'q"': "\ud800", "line": "x"}, {"z": None}
    )
    columns, rows = table(path)
    assert columns == ["number", "line", "a", "b", "c", "d", 'q"', "z"]
    assert rows[0][2:] == (1, "[1]", 1, str(2**70), "?", None)
    assert [row[0] for row in rows] == [1, 2]


def test_the_number_of_columns_is_bounded(tmp_path: Path) -> None:
    columns, rows = table(written(tmp_path, {f"k{n}": n for n in range(2_000)}))
    assert (len(columns), len(rows)) == (MOST_KEYS, 1)


@given(st.lists(st.dictionaries(st.text(max_size=8), VALUES, max_size=6), min_size=1, max_size=5))
def test_any_objects_become_a_table(events: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), *events)
        assert is_other_format(path) == ("rec" not in events[0])
        columns, rows = table(path)
        found = [json.loads(row[1]) for row in rows]
        assert repr(found) == repr([json.loads(json.dumps(event)) for event in events])
        for event, row in zip(events, rows, strict=True):
            texts = {key: value for key, value in event.items() if isinstance(value, str) and key in columns[2:]}
            assert {key: row[columns.index(key)] for key in texts} == texts

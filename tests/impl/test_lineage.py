"""Lineage and explain: names of the law, whole lines, and data as it was at each place."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fateline_engine.explain import NothingThere, as_data, find, tell
from fateline_engine.landscape import Landscape
from fateline_engine.lineage import Story, read_story
from fateline_engine.orchestrator import Orchestrator
from fateline_engine.output_index import locate
from fateline_engine.settings import read_pipeline

NODES: list[dict[str, Any]] = [
    {"name": "s", "kind": "source", "to": "g", "plugin": "jsonl", "on_error": "bad", "options": {"path": "in.jsonl"}},
    {
        "name": "g",
        "kind": "gate",
        "when": "kind",
        "routes": {"join": "fork", "list": "continue", "odd": "discard"},
        "fork": {"a": "h", "b": "tb"},
        "to": "ex",
        "on_error": "bad",
    },
    {"name": "h", "kind": "gate", "when": "'x'", "routes": {"x": "fork"}, "fork": {"p": "tp", "q": "ji"}},
    {"name": "tp", "kind": "transform", "to": "ji", "plugin": "derive", "options": {"fields": {"v": "n + 1"}}},
    {"name": "ji", "kind": "coalesce", "branches": ["p", "q"], "to": "j"},
    {
        "name": "tb",
        "kind": "transform",
        "to": "j",
        "plugin": "derive",
        "attempts": 2,
        "options": {"fields": {"v": "10 // n"}},
        "on_error": "bad",
    },
    {"name": "j", "kind": "coalesce", "branches": ["a", "b"], "to": "out"},
    {"name": "ex", "kind": "transform", "to": "agg", "expands": True, "plugin": "explode", "options": {"field": "l"}},
    {"name": "agg", "kind": "aggregation", "to": "out", "count": 3, "plugin": "statistics", "options": {"field": "l"}},
    {"name": "out", "kind": "sink", "plugin": "csv", "options": {"path": "out.csv", "fields": ["n", "v", "count"]}},
    {"name": "bad", "kind": "sink", "plugin": "jsonl", "options": {"path": "bad.jsonl"}},
]
NODES[9]["options"]["fields"] += ["kind", "sum", "mean", "min", "max", "note"]
ROWS: list[Any] = [
    {"kind": "join", "n": 5, "note": "two\nlines"},
    {"kind": "join", "n": 0},
    {"kind": "list", "l": [1, 2]},
    {"kind": "list", "l": [3, 4, 5, 6]},
    {"kind": "odd"},
    {"kind": "none"},
    [],
]


@pytest.fixture(scope="module")
def landscape(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Landscape]:
    folder = tmp_path_factory.mktemp("lineage")
    (folder / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    pipeline = read_pipeline({"name": "p", "nodes": NODES}, file=str(folder / "p.yaml"))
    with Landscape.open(folder / "p.db") as landscape:
        assert Orchestrator(pipeline, landscape).run().finished
        yield landscape


def story(landscape: Landscape, row: int) -> Story:
    found = read_story(landscape.conn, 1, row)
    assert found is not None
    return found


def names(story: Story) -> dict[str, str]:
    return {token.name: token.fate.outcome if token.fate else "" for token in story.tokens.values()}


def told(landscape: Landscape, what: str) -> list[str]:
    return tell(*find(landscape.conn, 1, what)).splitlines()


def test_tokens_have_the_names_of_the_law(landscape: Landscape) -> None:
    assert names(story(landscape, 0)) == {
        "0": "forked",
        "0/a": "forked",
        "0/b": "coalesced",
        "0/a/p": "coalesced",
        "0/a/q": "coalesced",
        "0/a/ji": "coalesced",
        "0/j": "completed",
    }
    assert names(story(landscape, 2)) == {
        "2": "expanded",
        "2.0": "consumed_in_batch",
        "2.1": "consumed_in_batch",
        "2.0.0": "completed",
    }
    assert list(names(story(landscape, 3)))[1:5] == ["3.0", "3.1", "3.2", "3.3"]
    assert read_story(landscape.conn, 1, 99) is None
    assert read_story(landscape.conn, 2, 0) is None


def test_data_is_what_it_was_at_each_place(landscape: Landscape) -> None:
    tokens = {token.name: token for token in story(landscape, 0).tokens.values()}
    row = ROWS[0]
    assert tokens["0/a/p"].begins_with == row
    assert tokens["0/a/p"].ends_with == {**row, "v": 6}
    assert tokens["0/a/q"].ends_with == row
    assert tokens["0/b"].ends_with == {**row, "v": 2}
    assert tokens["0/j"].begins_with == {**row, "v": 2}
    assert set(tokens["0/j"].origins) >= {("v", "a", False), ("v", "b", True)}
    assert [token.ends_with["l"] for token in story(landscape, 2).tokens.values() if token.made_by == "expand"] == [
        1,
        2,
    ]


def test_the_line_of_a_token_is_all_it_comes_from_and_all_that_comes_of_it(landscape: Landscape) -> None:
    whole = story(landscape, 0)
    key = {token.name: token.key for token in whole.tokens.values()}
    line = {whole.tokens[each].name for each in whole.line_of(key["0/a/p"])}
    assert line == {"0", "0/a", "0/a/p", "0/a/ji", "0/j"}
    assert {whole.tokens[each].name for each in whole.line_of(key["0/j"])} == set(key)


def test_a_row_is_told_as_a_tree(landscape: Landscape) -> None:
    lines = told(landscape, "1")
    assert lines == [
        'row 1 of s: {"kind": "join", "n": 0}',
        "└─ 1  read",
        "   │  g: route join",
        "   │  ⇒ forked into 1/a, 1/b",
        "   │  ✗ j: failed, branch_lost; lost: b (diverted)",
        "   ├─ 1/a  on branch a",
        "   │  │  h: route x",
        "   │  │  ⇒ forked into 1/a/p, 1/a/q",
        "   │  ├─ 1/a/p  on branch p",
        "   │  │     tp: pass",
        "   │  │     ji: joined",
        "   │  │     ⇒ coalesced into 1/a/ji",
        "   │  ├─ 1/a/q  on branch q",
        "   │  │     ji: joined",
        "   │  │     ⇒ coalesced into 1/a/ji",
        "   │  └─ 1/a/ji  merged from 1/a/p, 1/a/q",
        "   │        j: failed, late_arrival_after_failure",
        "   │        ⇒ failed (late_arrival_after_failure)",
        "   └─ 1/b  on branch b",
        "         tb: failed, v: column 4: // by zero → bad by on_error",
        "         ⇒ diverted to bad (node_failed)",
        '           {"kind": "join", "n": 0}',
    ]


def test_a_token_is_pointed_at_and_the_rest_is_counted(landscape: Landscape) -> None:
    lines = told(landscape, "3.2")
    assert [line for line in lines if "◀ this one" in line] == ["   └─ 3.2  expanded  ◀ this one"]
    assert "… and 4 more tokens of this row, not of this line" in lines
    assert any(line.startswith("batch agg#1 held 3 tokens of rows 3") for line in lines)


def test_a_batch_names_the_rows_of_its_members(landscape: Landscape) -> None:
    lines = told(landscape, "2.0.0")
    assert "made of batch agg#0" in "\n".join(lines)
    assert "batch agg#0 held 3 tokens of rows 2, 3" in lines


def test_a_collision_and_an_invalid_row_are_told(landscape: Landscape) -> None:
    assert any("the merge had several values for " in line and "v" in line for line in told(landscape, "0/j"))
    invalid = told(landscape, "6")
    assert invalid[0] == 'row 6 of s (invalid: line 7: not a JSON object): {"_raw": "[]"}'
    assert "⇒ quarantined to bad (invalid_row): line 7: not a JSON object" in invalid[2]
    assert "⇒ discarded (gate_discard)" in told(landscape, "4")[-1]


@pytest.mark.parametrize(
    "what, name",
    [
        ("0", None),
        ("0:0", "0"),
        ("0/a/ji", "0/a/ji"),
        ("2.1", "2.1"),
        ("out:1", "0/j"),
        ("out:2", "2.0.0"),
        ("bad:1", "1/b"),
        ("bad:3", "6"),
    ],
)
def test_rows_tokens_and_outputs_are_found(landscape: Landscape, what: str, name: str | None) -> None:
    found, key = find(landscape.conn, 1, what)
    assert (found.tokens[key].name if key else None) == name


@pytest.mark.parametrize(
    "what, told",
    [
        ("7", "the run has no row 7: it has 7, counted from 0"),
        ("0:99", "row 0 has no token 0:99; its tokens are 0:0 to 0:6"),
        ("0/z", "row 0 has no token 0/z; it has 0, 0/a, 0/b"),
        ("out:0", "no row 0 was written by a sink out; the sinks are out with 3, bad with 3, counted from 1"),
        ("out:9", "no row 9 was written"),
        ("nobody:1", "no row 1 was written by a sink nobody"),
        ("", "is not a row"),
        ("x", "is not a row"),
    ],
)
def test_what_is_not_there_is_said_to_be_missing(landscape: Landscape, what: str, told: str) -> None:
    with pytest.raises(NothingThere) as missing:
        find(landscape.conn, 1, what)
    assert told in str(missing.value)


def test_programs_are_told_the_same(landscape: Landscape) -> None:
    data = as_data(*find(landscape.conn, 1, "0/a/p"))
    assert json.loads(json.dumps(data)) == json.loads(json.dumps(data, default=str))
    assert data["asked_for"] == "0/a/p"
    assert [token["name"] for token in data["tokens"]] == ["0", "0/a", "0/a/p", "0/a/ji", "0/j"]
    joined = data["tokens"][3]
    assert (joined["parents"], joined["children"]) == (["0/a/p", "0/a/q"], ["0/j"])
    assert [barrier["verdict"] for barrier in data["barriers"]] == ["merged", "merged"]
    batch = as_data(*find(landscape.conn, 1, "2"))
    assert batch["batches"] == {"agg#0": ["2:1", "2:2", "3:1"]}


@pytest.mark.parametrize(
    "file, line, what",
    [("out.csv", 2, "out:1"), ("out.csv", 3, "out:1"), ("out.csv", 4, "out:2"), ("bad.jsonl", 2, "bad:2")],
)
def test_a_line_of_a_file_is_a_row_of_its_sink(landscape: Landscape, file: str, line: int, what: str) -> None:
    folder = Path(landscape.path).parent
    assert locate(landscape.conn, 1, folder / file, line, folder) == what
    assert locate(landscape.conn, 1, folder / file, line, folder / "elsewhere") == what, "by its name alone"


@pytest.mark.parametrize(
    "file, line, told",
    [
        ("out.csv", 1, "is the header"),
        ("out.csv", 0, "lines, counted from 1"),
        ("out.csv", 99, "lines, counted from 1"),
        ("bad.jsonl", 4, "has 3 lines, counted from 1"),
        ("in.jsonl", 1, "is not the file of exactly one sink of this run; the files are out.csv, bad.jsonl"),
        ("nowhere/bad.jsonl", 1, "cannot be read"),
    ],
)
def test_a_line_that_is_none_of_a_sinks_is_said_to_be_so(landscape: Landscape, file: str, line: int, told: str) -> None:
    folder = Path(landscape.path).parent
    with pytest.raises(NothingThere) as missing:
        locate(landscape.conn, 1, folder / file, line, folder)
    assert told in str(missing.value)


def test_what_was_appended_before_the_run_is_not_of_the_run(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"n": 1}\n{"n": 2}\n')
    (tmp_path / "out.jsonl").write_text('{"old": 1}\n')
    nodes = [
        {"name": "s", "kind": "source", "to": "o", "plugin": "jsonl", "options": {"path": "in.jsonl"}},
        {"name": "o", "kind": "sink", "plugin": "jsonl", "options": {"path": "out.jsonl", "if_exists": "append"}},
    ]
    pipeline = read_pipeline({"name": "p", "nodes": nodes}, file=str(tmp_path / "p.yaml"))
    with Landscape.open(tmp_path / "p.db") as landscape:
        Orchestrator(pipeline, landscape).run()
        assert locate(landscape.conn, 1, tmp_path / "out.jsonl", 3, tmp_path) == "o:2"
        with pytest.raises(NothingThere, match="was there before this run"):
            locate(landscape.conn, 1, tmp_path / "out.jsonl", 1, tmp_path)


def test_a_row_of_thousands_of_tokens_is_told_in_a_moment(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text(json.dumps({"l": list(range(9_000))}) + "\n")
    nodes = [
        {"name": "s", "kind": "source", "to": "x", "plugin": "jsonl", "options": {"path": "in.jsonl"}},
        {"name": "x", "kind": "transform", "to": "o", "expands": True, "plugin": "explode", "options": {"field": "l"}},
        {"name": "o", "kind": "sink", "plugin": "jsonl", "options": {"path": "out.jsonl"}},
    ]
    pipeline = read_pipeline({"name": "p", "nodes": nodes}, file=str(tmp_path / "p.yaml"))
    with Landscape.open(tmp_path / "p.db") as landscape:
        Orchestrator(pipeline, landscape).run()
        started = time.process_time()
        whole = told(landscape, "0")
        one = told(landscape, "0.8999")
        assert time.process_time() - started < 3
    assert len(whole) == 4 + 3 * 9_000
    assert one[-1] == "… and 8999 more tokens of this row, not of this line"

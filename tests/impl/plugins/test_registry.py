"""Binding: every node gets its plugin, or every reason why not is told with its place."""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fateline_engine.plugins import BatchOutputs, Drop, Expand, Failure, Pass, process, process_batch
from fateline_engine.plugins.builtin.csv_files import CsvSource
from fateline_engine.plugins.decorators import mark_of
from fateline_engine.plugins.registry import BUILTIN, Plugins, _find, bind, load
from fateline_engine.settings import SettingsError, read_pipeline

MINE = """\
from fateline_engine.plugins import batch, sink, transform

@transform
def scale(row, *, by, field="n"):
    return {**row, field: row[field] * by}

@transform
def odd(row, *, answer=None):
    return answer

@transform(expands=True)
def twice(row):
    return [row, row]

@transform
class Broken:
    def __init__(self):
        raise ValueError("not today")

@batch
def totals(rows, *, answer=None):
    return answer if answer is not None else [{"n": sum(row["n"] for row in rows)}]

@sink
def no_class(row):
    pass
"""


@pytest.fixture(autouse=True)
def _path_stays_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))


def bound(folder: Path, **nodes: dict[str, Any]) -> Plugins:
    """A line of nodes between a source and a sink."""
    sys.modules.pop("my_plugins", None)
    (folder / "my_plugins.py").write_text(MINE)
    names = [*nodes, "out"]
    listed: list[dict[str, Any]] = [
        {"name": "s", "kind": "source", "to": names[0], "plugin": "csv", "options": {"path": "in.csv"}}
    ]
    for (name, keys), to in zip(nodes.items(), names[1:], strict=True):
        listed.append({"name": name, "kind": "transform", "to": to, **keys})
    listed.append({"name": "out", "kind": "sink", "plugin": "jsonl", "options": {"path": "out.jsonl"}})
    return bind(read_pipeline({"name": "p", "nodes": listed}), folder)


def refusals(folder: Path, **nodes: dict[str, Any]) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        bound(folder, **nodes)
    return [str(problem) for problem in refused.value.problems]


def test_everything_built_in_is_there_and_marked_for_its_kind() -> None:
    for kind, names in BUILTIN.items():
        for name in names:
            thing, mark = _find(name, kind, Path())
            assert mark.kind is kind
            assert mark.options is not None
            assert mark_of(thing) is mark


def test_relative_paths_are_meant_from_the_folder_of_the_pipeline(tmp_path: Path) -> None:
    plugins = bound(tmp_path)
    assert isinstance(plugins.source, CsvSource)
    assert plugins.source.path == tmp_path / "in.csv"
    assert plugins.sinks["out"].path == tmp_path / "out.jsonl"


def test_gates_and_batch_conditions_are_compiled(tmp_path: Path) -> None:
    plugins = bound(
        tmp_path,
        g={"kind": "gate", "when": "n > 1", "routes": {"true": "continue", "false": "out"}},
        b={"kind": "aggregation", "condition": "batch_count > 2", "plugin": "statistics"},
    )
    assert plugins.gates["g"].label({"n": 2}) == "true"
    assert plugins.conditions["b"].truth({"batch_count": 3, "batch_age_seconds": 0})
    assert set(plugins.batches) == {"b"}


def test_a_function_of_ones_own_takes_its_options_by_name(tmp_path: Path) -> None:
    plugins = bound(tmp_path, t={"plugin": "my_plugins:scale", "options": {"by": 3}})
    assert process(plugins.transforms["t"], {"n": 2}) == Pass({"n": 6})


@pytest.mark.parametrize(
    "answer, expands, result",
    [
        (None, False, Drop()),
        ({"a": 1}, False, Pass({"a": 1})),
        ({"a": 1}, True, Expand(({"a": 1},))),
        ([{"a": 1}, {}], True, Expand(({"a": 1}, {}))),
        ([], True, Drop()),
        ([], False, Drop()),
        ([{"a": 1}], False, Failure("it gave several rows, and the node does not say expands: true")),
        (3, False, Failure("TypeError: a transform gives a row, a list of rows or None, and not a int")),
        ([3], True, Failure("TypeError: a row is a mapping, and not a int")),
    ],
)
def test_the_answer_of_a_function_is_a_result(tmp_path: Path, answer: object, expands: bool, result: object) -> None:
    plugins = bound(tmp_path, t={"plugin": "my_plugins:odd", "options": {"answer": answer}})
    assert process(plugins.transforms["t"], {}, expands=expands) == result


@pytest.mark.parametrize(
    "answer, result",
    [
        (None, BatchOutputs(({"n": 5},))),
        ([], Drop()),
        (3, Failure("TypeError: a batch transform gives a list of rows, and not a int")),
    ],
)
def test_the_answer_of_a_batch_function_is_a_result(tmp_path: Path, answer: object, result: object) -> None:
    options = {} if answer is None else {"answer": answer}
    plugins = bound(tmp_path, b={"kind": "aggregation", "plugin": "my_plugins:totals", "options": options})
    assert process_batch(plugins.batches["b"], [{"n": 2}, {"n": 3}]) == result


@pytest.mark.parametrize(
    "plugin, options, row, result",
    [
        ("rename", {"fields": {"a": "b"}}, {"a": 1}, Pass({"b": 1})),
        ("keep", {"fields": ["b"]}, {"a": 1, "b": 2}, Pass({"b": 2})),
        ("cast", {"fields": {"a": "int?"}}, {"a": ""}, Pass({"a": None})),
        ("derive", {"fields": {"b": "a + 1"}}, {"a": 1}, Pass({"a": 1, "b": 2})),
        ("filter", {"where": "a > 1"}, {"a": 1}, Drop()),
        ("explode", {"field": "a", "into": "b", "keep_index": True}, {"a": [5]}, Expand(({"b": 5, "a_index": 0},))),
    ],
)
def test_options_reach_a_transform_as_written(
    tmp_path: Path, plugin: str, options: dict[str, Any], row: dict[str, Any], result: object
) -> None:
    plugins = bound(tmp_path, t={"plugin": plugin, "options": options, "expands": plugin == "explode"})
    assert process(plugins.transforms["t"], row) == result


def test_options_reach_sources_batches_and_sinks_as_written(tmp_path: Path) -> None:
    nodes = [
        {"name": "s", "kind": "source", "to": "b", "plugin": "csv", "options": {"path": "i.csv", "delimiter": ";"}},
        {"name": "b", "kind": "aggregation", "to": "o", "plugin": "statistics", "options": {"group_by": "g"}},
        {"name": "o", "kind": "sink", "plugin": "csv", "options": {"path": "o.csv", "delimiter": "|"}, "on_error": "q"},
        {"name": "q", "kind": "sink", "plugin": "sqlite", "options": {"path": "o.db", "table": "t"}},
    ]
    nodes[0]["options"] |= {"fields": {"n": "int"}}  # type: ignore[operator]
    nodes[2]["options"] |= {"fields": ["g", "n"], "if_exists": "append"}  # type: ignore[operator]
    (tmp_path / "i.csv").write_text("n;g\n3;x\n")
    (tmp_path / "o.csv").write_text("g|n\n")
    plugins = bind(read_pipeline({"name": "p", "nodes": nodes}), tmp_path)
    plugins.source.open()
    (record,) = plugins.source.records()
    plugins.source.close()
    assert record.data == {"n": 3, "g": "x"}
    assert process_batch(plugins.batches["b"], [record.data]) == BatchOutputs(({"g": "x", "count": 1},))
    for name in ("o", "q"):
        plugins.sinks[name].open(resume=False)
        plugins.sinks[name].write(record.data)
        plugins.sinks[name].flush()
        plugins.sinks[name].close()
    assert (tmp_path / "o.csv").read_text() == "g|n\nx|3\n"
    with closing(sqlite3.connect(tmp_path / "o.db")) as connection:
        assert connection.execute("select n, g from t").fetchall() == [(3, "x")]


def test_a_raise_of_a_plugin_is_a_failure(tmp_path: Path) -> None:
    plugins = bound(tmp_path, t={"plugin": "my_plugins:scale", "options": {"by": 3}})
    assert process(plugins.transforms["t"], {}) == Failure("KeyError: 'n'")


@pytest.mark.parametrize(
    "keys, told",
    [
        ({}, "plugin (t): missing: built in are cast, derive"),
        ({"plugin": "renam"}, "did you mean rename?"),
        ({"plugin": "csv"}, "no plugin of this name"),
        ({"plugin": "my_plugins:totals"}, "is a plugin for batch, and this node needs a transform"),
        ({"plugin": "my_plugins:twice"}, "expands (t): missing: my_plugins:twice turns one row into several"),
        ({"plugin": "my_plugins:scale"}, "options.by (t): missing: the plugin needs this option"),
        (
            {"plugin": "my_plugins:scale", "options": {"by": 1, "feild": "m"}},
            "there are by, field; did you mean field?",
        ),
        ({"plugin": "my_plugins:Broken"}, "does not take these options: ValueError: not today"),
        ({"plugin": "rename"}, "options.fields (t): missing"),
        ({"plugin": "rename", "options": {"fields": {"a": "x", "b": "x"}}}, "gives two fields the same name"),
        (
            {"plugin": "cast", "options": {"fields": {"a": "number"}}},
            "options.fields.a (t) = 'number': one of str, int",
        ),
        ({"plugin": "filter", "options": {"where": "a >"}}, "options.where (t) = 'a >': column 4: expected a value"),
        ({"plugin": "derive", "options": {"fields": {"a": "1 +"}}}, "options.fields.a (t)"),
        ({"plugin": "keep", "options": {"fields": ["a", "a"]}}, "names a field twice"),
        ({"kind": "sink", "plugin": "my_plugins:no_class"}, "a sink must be a class"),
        ({"kind": "sink", "plugin": "csv", "options": {"path": "out.jsonl"}}, "t uses this file too"),
        ({"kind": "sink", "plugin": "csv", "options": {"path": "./x/../in.csv"}}, "s uses this file too"),
        ({"kind": "sink", "plugin": "csv", "options": {"path": "a", "delimiter": ";;"}}, "must be one character"),
        ({"kind": "sink", "plugin": "csv", "options": {"path": "a\0b"}}, "zero byte"),
        ({"kind": "sink", "plugin": "sqlite", "options": {"path": "a", "table": "x y"}}, "must be a name"),
        ({"kind": "sink", "plugin": "sqlite", "options": {"path": "a", "if_exists": "x"}}, "table (t): missing"),
        ({"kind": "gate", "routes": {"a": "out"}}, "when (t): missing: a gate needs an expression"),
    ],
)
def test_what_cannot_be_bound_is_told_with_its_place(tmp_path: Path, keys: dict[str, Any], told: str) -> None:
    sys.modules.pop("my_plugins", None)
    (tmp_path / "my_plugins.py").write_text(MINE)
    node = {"name": "t", "kind": "transform", **keys}
    if node["kind"] == "transform":
        node["to"] = "out"
    nodes = [
        {"name": "s", "kind": "source", "to": "t", "plugin": "csv", "options": {"path": "in.csv"}},
        node,
        {"name": "out", "kind": "sink", "plugin": "jsonl", "options": {"path": "out.jsonl"}},
    ]
    with pytest.raises(SettingsError) as refused:
        bind(read_pipeline({"name": "p", "nodes": nodes}), tmp_path)
    assert any(told in str(problem) for problem in refused.value.problems), str(refused.value)


def test_all_nodes_are_looked_at_before_anything_is_refused(tmp_path: Path) -> None:
    assert len(refusals(tmp_path, a={"plugin": "renam"}, b={"plugin": "filter"}, c={"plugin": "os:system"})) == 3


_PLAIN: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from([None, True, 0, 1.5, "", "a", "int?", "a > 1", ",", "*", "x.csv", "a\0"]) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", ""]), inner, max_size=3),
    max_leaves=5,
)


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=120, deadline=None)
def test_any_options_are_taken_or_refused_with_a_reason(tmp_path: Path, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(BUILTIN)))
    name = data.draw(st.sampled_from(sorted(BUILTIN[kind])))
    _, mark = _find(name, kind, Path())
    options = data.draw(st.dictionaries(st.sampled_from([*(mark.options or {}), "other"]), _PLAIN))
    node: dict[str, Any] = {"name": "x", "plugin": name, "options": options, "to": "o", "kind": str(kind)}
    node["kind"] = {"batch": "aggregation"}.get(node["kind"], node["kind"])
    node |= {"expands": True} if name == "explode" else {}
    nodes: list[dict[str, Any]] = [
        {"name": "s", "kind": "source", "to": "o", "plugin": "csv", "options": {"path": "i.csv"}},
        {"name": "o", "kind": "sink", "plugin": "csv", "options": {"path": "o.csv"}},
    ]
    if kind == "source":
        nodes[0] = node
    else:
        node = {key: value for key, value in node.items() if kind != "sink" or key != "to"}
        nodes.append(node)
    try:
        bind(read_pipeline({"name": "p", "nodes": nodes}), tmp_path)
    except SettingsError as error:
        assert all(problem.message for problem in error.problems)  # noqa: PT017
    assert list(tmp_path.iterdir()) == []


ALL_WRONG = """
name: p
nodes:
  - {name: s, kind: source, plugin: csv, options: {path: in.csv, fields: {a: flot}}, to: t}
  - {name: t, kind: transform, plugin: derive, options: {fields: {x: "a +"}}, TO}
  - {name: u, kind: transform, plugin: nothing, NEXT}
  - {name: out, kind: sink, plugin: csv, options: {delimiter: 3}}
"""


@pytest.mark.parametrize(
    "to, after, elsewhere",
    [
        ("to: u", "to: out", []),
        ("to: nowhere", "to: out", ["no such node"]),
        ("to: u, attempts: 0", "to: out", ["must be a whole number from 1 to 1000"]),
        ("to: u", "to: t", ["a pipeline must not have a cycle"]),
    ],
    ids=["plugins alone", "and an edge", "and a key", "and the shape"],
)
def test_what_is_wrong_with_plugins_is_said_with_all_the_rest(
    tmp_path: Path, to: str, after: str, elsewhere: list[str]
) -> None:
    (tmp_path / "p.yaml").write_text(ALL_WRONG.replace("TO", to).replace("NEXT", after))
    with pytest.raises(SettingsError) as refused:
        load(tmp_path / "p.yaml")
    said = str(refused.value)
    ours = ("options.fields.a (s) = 'flot'", "options.fields.x (t)", "'nothing'", "options.delimiter (out) = 3")
    for wanted in (*ours, "options.path (out): missing", *elsewhere):
        assert wanted in said
    lines = [problem.line or 0 for problem in refused.value.problems]
    assert lines == sorted(lines)


@pytest.mark.parametrize(
    "wrong", ["plugin: [1]", "plugin: csv, options: 3", "plugin: csv, options: {path: 1}, kind: sink"]
)
def test_a_plugin_that_could_not_be_read_is_named_once(tmp_path: Path, wrong: str) -> None:
    keys = wrong if "kind" in wrong else f"kind: sink, {wrong}"
    (tmp_path / "p.yaml").write_text(f"name: p\nnodes:\n  - {{name: out, {keys}}}\n")
    with pytest.raises(SettingsError) as refused:
        load(tmp_path / "p.yaml")
    assert sum("(out)" in str(problem) for problem in refused.value.problems) == 1


def test_binding_touches_no_data(tmp_path: Path) -> None:
    bound(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"my_plugins.py"}

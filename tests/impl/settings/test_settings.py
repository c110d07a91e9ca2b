"""Settings: what is taken, what is refused, and that every problem is told with its place."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fateline_engine.settings import (
    CoalesceNode,
    Collisions,
    Merge,
    NodeKind,
    Pipeline,
    Policy,
    SettingsError,
    config_of,
    load_pipeline,
    out_edges,
    read_pipeline,
)
from fateline_engine.settings.document import MAX_BYTES, MAX_DEPTH, parse_document
from fateline_engine.settings.keys import KEYS

GOOD = """\
name: orders
run: {commit_rows: 10}
nodes:
  - {name: read, kind: source, to: split, on_error: bad, plugin: csv, options: {path: orders.csv}}
  - name: split
    kind: gate
    when: amount > 10
    routes: {true: fork, false: continue}
    fork: {fast: join, slow: look_up}
    to: out
    on_error: discard
  - {name: look_up, kind: transform, to: join, attempts: 3, plugin: derive}
  - name: join
    kind: coalesce
    branches: [fast, slow]
    policy: quorum
    quorum_count: 2
    timeout_seconds: 1.5
    to: batch
  - {name: batch, kind: aggregation, count: 3, condition: batch_age_seconds > 2, to: out}
  - {name: out, kind: sink, on_error: bad}
  - {name: bad, kind: sink}
"""


def load(text: str) -> Pipeline:
    data, lines = parse_document(text, "p.yaml")
    return read_pipeline(data, file="p.yaml", lines=lines)


def problems(text: str) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        load(text)
    return [str(problem) for problem in refused.value.problems]


def with_node(**keys: object) -> dict[str, Any]:
    """A small pipeline with one node more."""
    return {
        "name": "p",
        "nodes": [
            {"name": "s", "kind": "source", "to": "out"},
            {"name": "x", **keys},
            {"name": "out", "kind": "sink"},
        ],
    }


def refusals(data: object) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        read_pipeline(data)
    return [str(problem) for problem in refused.value.problems]


def test_a_good_pipeline_becomes_models(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(GOOD)
    pipeline = load_pipeline(tmp_path / "p.yaml")
    assert pipeline == load(GOOD)
    assert [node.kind for node in pipeline.nodes] == [
        NodeKind.SOURCE,
        NodeKind.GATE,
        NodeKind.TRANSFORM,
        NodeKind.COALESCE,
        NodeKind.AGGREGATION,
        NodeKind.SINK,
        NodeKind.SINK,
    ]
    join = pipeline["join"]
    assert isinstance(join, CoalesceNode)
    assert (join.branches, join.policy, join.quorum_count) == (("fast", "slow"), Policy.QUORUM, 2)
    assert (join.timeout_ms, join.merge, join.collisions) == (1500, Merge.UNION, Collisions.LAST_WINS)
    assert pipeline.run.commit_rows == 10
    with pytest.raises(KeyError):
        pipeline["nobody"]


def test_edges_are_the_keys_of_the_node_they_leave() -> None:
    edges = [edge for node in load(GOOD).nodes for edge in out_edges(node)]
    assert [(edge.src, edge.label, edge.dst) for edge in edges] == [
        ("read", "continue", "split"),
        ("read", "on_error", "bad"),
        ("split", "continue", "out"),
        ("split", "fast", "join"),
        ("split", "slow", "look_up"),
        ("look_up", "continue", "join"),
        ("join", "continue", "batch"),
        ("batch", "continue", "out"),
        ("out", "on_error", "bad"),
    ]


def test_the_config_of_a_node_is_what_is_no_edge() -> None:
    assert config_of(load(GOOD)["join"]) == {
        "branches": ("fast", "slow"),
        "policy": "quorum",
        "quorum_count": 2,
        "timeout_seconds": 1.5,
        "merge": "union",
        "collisions": "last_wins",
    }
    assert config_of(load(GOOD)["look_up"]) == {"attempts": 3, "expands": False}
    assert config_of(load(GOOD)["split"]) == {}


@pytest.mark.parametrize(
    "old, new, same",
    [
        ("commit_rows: 10", "commit_rows: 20", True),
        ("quorum_count: 2", "quorum_count: 2 # a remark", True),
        ("fast: join, slow: look_up", "slow: look_up, fast: join", False),
        ("quorum_count: 2", "quorum_count: 1", False),
        ("orders.csv", "other.csv", False),
        ("amount > 10", "amount > 11", False),
        ("name: orders", "name: other", False),
    ],
)
def test_the_digest_tells_pipelines_apart_and_leaves_out_how_they_are_run(old: str, new: str, same: bool) -> None:
    assert old in GOOD
    assert (load(GOOD).digest() == load(GOOD.replace(old, new)).digest()) is same


def test_all_problems_are_told_at_once_in_the_order_of_their_lines() -> None:
    told = problems(
        """\
name: p
colour: red
nodes:
  - {name: read, kind: source, to: spit, on_eror: bad}
  - name: split
    kind: gate
    routes: {yes: continue, no: join, later: fork}
    fork: {join: out, a: read}
  - {name: try, kind: transform, to: try, attempts: 0}
  - name: join
    kind: coalesce
    branches: [a, b, a]
    policy: best_effort
    merge: select
    quorum_count: 1
    to: no
  - {name: out, kind: snk}
  - {name: out, kind: sink}
"""
    )
    assert told == [
        "p.yaml:2: colour = 'red': no such key; allowed are run, name, nodes",
        "p.yaml:4: nodes[0].on_eror (read) = 'bad': no such key; allowed are name, kind, to, on_error, plugin, "
        "options; did you mean on_error?",
        "p.yaml:4: nodes[0].to (read) = 'spit': no such node; did you mean split?",
        "p.yaml:5: nodes[1].to (split): missing: a route leads to continue",
        "p.yaml:7: nodes[1].routes.no (split) = 'join': is a coalesce; this may only lead to a sink: out",
        "p.yaml:8: nodes[1].fork.a (split) = 'read': is the source, and nothing leads into a source",
        "p.yaml:8: nodes[1].fork.join (split): a branch must not be named like a coalesce: rename one",
        "p.yaml:9: nodes[2].attempts (try) = 0: must be a whole number from 1 to 1000",
        "p.yaml:9: nodes[2].to (try) = 'try': leads to the node itself: choose another",
        "p.yaml:10: nodes[3].select_branch (join): missing: merge: select needs it",
        "p.yaml:10: nodes[3].timeout_seconds (join): missing: policy best_effort needs a timeout, or it could wait "
        "for ever",
        "p.yaml:12: nodes[3].branches[2] (join) = 'a': listed twice: a branch arrives once; remove one",
        "p.yaml:15: nodes[3].quorum_count (join) = 1: only with policy: quorum: add that, or remove this",
        "p.yaml:16: nodes[3].to (join) = False: must be a name: a letter or _, then letters, digits, _ or -, at most "
        "64; quote it if you mean the word",
        "p.yaml:17: nodes[4].kind (out) = 'snk': must be one of source, transform, gate, coalesce, aggregation, sink",
        "p.yaml:18: nodes[5].name (out) = 'out': nodes[4] has this name already; names are unique",
    ]


@pytest.mark.parametrize(
    "keys, told",
    [
        ({"kind": "gate", "routes": {"a": "fork"}}, "fork (x): missing: a route leads to fork"),
        ({"kind": "gate", "routes": {"a": "out"}, "to": "out"}, "given, but no route leads to continue"),
        ({"kind": "gate", "routes": {"a": "out"}, "fork": {"b": "out"}}, "given, but no route leads to fork"),
        ({"kind": "gate", "routes": {"a": "out", "b": "fork"}, "fork": {"a": "out"}}, "the labels that leave a node"),
        ({"kind": "gate", "routes": {}}, "at least one entry"),
        ({"kind": "gate"}, "routes (x): missing: it is required"),
        ({"kind": "gate", "routes": {"discard": "out"}}, "routes.discard (x) = 'discard': reserved"),
        ({"kind": "gate", "routes": {"a": "on_error"}}, "reserved"),
        ({"kind": "gate", "routes": {"a-1": "out"}, "when": "1 +"}, "expected a value, found the end"),
        ({"kind": "gate", "routes": {"true": "out"}, "when": "a > 1"}, "can choose 'false'"),
        ({"kind": "transform"}, "to (x): missing: it is required"),
        ({"kind": "transform", "to": "out", "attempts": True}, "must be a whole number"),
        ({"kind": "transform", "to": "out", "expands": "yes"}, "must be true or false"),
        ({"kind": "transform", "to": "out", "on_error": "s"}, "is the source"),
        ({"kind": "transform", "to": "out", "options": [1]}, "must be a mapping"),
        ({"kind": "transform", "to": "out", "plugin": " "}, "not empty"),
        ({"kind": "aggregation", "to": "out", "mode": "single"}, "must be one of passthrough, transform"),
        ({"kind": "aggregation", "to": "out", "count": 0}, "from 1 to 1000000"),
        ({"kind": "aggregation", "to": "out", "on_error": "out"}, "no such key"),
        ({"kind": "aggregation", "to": "out", "condition": "amount > 1"}, "speaks of amount"),
        ({"kind": "sink", "to": "out"}, "no such key"),
        ({"kind": "sink", "on_error": "x"}, "leads to the node itself"),
        ({"kind": "source", "to": "out"}, "a pipeline has one source, and s is it"),
        ({"kind": ["sink"]}, "must be one of"),
        ({}, "kind (x): missing: one of"),
        ({"name": "9x", "kind": "sink"}, "must be a name"),
        ({"name": "x" * 65, "kind": "sink"}, "at most 64"),
        ({"name": "fork", "kind": "sink"}, "reserved, like continue, discard, on_error"),
        ({"name": None, "kind": "sink"}, "quote it if you mean the word"),
    ],
)
def test_a_bad_node_is_refused(keys: Mapping[str, object], told: str) -> None:
    found = refusals(with_node(**keys))
    assert len(found) == 1, found
    assert told in found[0]


@pytest.mark.parametrize(
    "keys, told",
    [
        ({"branches": ["a"]}, "at least 2 branches"),
        ({"branches": "ab"}, "must be a list of names"),
        ({"branches": ["a", "fork"]}, "branches[1] (x) = 'fork': reserved"),
        ({"policy": "quorum"}, "policy: quorum needs it"),
        ({"policy": "quorum", "quorum_count": 3}, "must be from 1 to 2"),
        ({"policy": "quorum", "quorum_count": 0}, "must be a whole number from 1"),
        ({"policy": "first", "quorum_count": 1}, "only with policy: quorum"),
        ({"policy": "most"}, "must be one of require_all, quorum, best_effort, first"),
        ({"timeout_seconds": 0}, "above 0"),
        ({"timeout_seconds": float("nan")}, "above 0"),
        ({"timeout_seconds": float("inf")}, "above 0"),
        ({"timeout_seconds": 10**400}, "above 0"),
        ({"timeout_seconds": True}, "above 0"),
        ({"policy": "best_effort"}, "needs a timeout"),
        ({"merge": "select", "select_branch": "c"}, "must be one of the branches: a, b"),
        ({"select_branch": "a"}, "only with merge: select"),
        ({"merge": "nested", "collisions": "fail"}, "allowed only with merge: union"),
    ],
)
def test_a_bad_coalesce_is_refused(keys: Mapping[str, object], told: str) -> None:
    found = refusals(with_node(**{"kind": "coalesce", "branches": ["a", "b"], "to": "out", **keys}))
    assert len(found) == 1, found
    assert told in found[0]


@pytest.mark.parametrize(
    "data, told",
    [
        (None, "a pipeline is a mapping"),
        ([], "a pipeline is a mapping"),
        ({"name": "p", "nodes": []}, "must be a list of nodes"),
        ({"name": "p", "nodes": [3]}, "a node is a mapping"),
        ({"name": "", "nodes": [{"name": "s", "kind": "source", "to": "s2"}]}, "name = '': must be a text"),
        ({"name": "p", "nodes": [{"name": "out", "kind": "sink"}]}, "has one source, and this has none"),
        ({"name": "p", "nodes": [{"name": "s", "kind": "source", "to": "s"}]}, "needs at least one sink"),
        ({"name": "p", "nodes": [{"kind": "sink"}]}, "every node has a name"),
        ({**with_node(kind="sink"), "run": {"commit_rows": 0}}, "run.commit_rows = 0"),
        ({**with_node(kind="sink"), "run": 3}, "must be a mapping with any of"),
        ({**with_node(kind="sink"), "nodes": [{"name": "s", "kind": "sink"}] * 1001}, "at most 1000 nodes"),
    ],
)
def test_a_bad_whole_is_refused(data: object, told: str) -> None:
    assert any(told in problem for problem in refusals(data))


@pytest.mark.parametrize(
    "text, told",
    [
        ("a: 1\nb: 2\na: 3\n", "p.yaml:3: a: duplicate key: line 1 has it already; keep one of them"),
        ("a: {b: 1, b: 2}", "a.b: duplicate key"),
        ("a: [1, 2", "not YAML: while parsing a flow sequence"),
        ("a: &x 1\nb: *x", "p.yaml:2: write the value out: aliases are not taken"),
        ("a: !!python/object/apply:os.system [true]", "tags are not taken"),
        ("a: !mine 3", "tags are not taken"),
        ("a: !!set {x, y}", "tags are not taken"),
        ("? [a]\n: 1", "a key must be a plain word"),
        ("a: 1\n---\nb: 2\n", "not YAML: expected a single document"),
        ("a: " + "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), f"nested more than {MAX_DEPTH} deep"),
        ("a: " + "[" * 50_000, f"nested more than {MAX_DEPTH} deep"),
        ("a: \x00", "not YAML"),
        ("a: 1" + "0" * 5000, "this value cannot be read"),
        ('a: "\\ud800"', "half of a character"),
        ('"\\udfff": 1', "half of a character in a key"),
    ],
)
def test_yaml_that_is_not_plain_data_is_refused(text: str, told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_document(text, "p.yaml")
    assert told in str(refused.value)


_YAML = [
    "a",
    "1",
    ": ",
    "- ",
    "\n",
    "  ",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "!!int ",
    "!!bool ",
    "!!float ",
    "!!map ",
    "!!seq ",
    "!!str ",
]
_YAML += [
    "!!timestamp ",
    "!!null ",
    "&x ",
    "*x",
    "<<",
    "=",
    "|",
    ">",
    "'",
    '"',
    "#",
    "? ",
    "---",
    "...",
    "%",
    "@",
    "\t",
    "0x",
    ".nan",
    "1:30",
]


@given(st.lists(st.sampled_from(_YAML), max_size=12).map("".join) | st.text(max_size=40))
@example("!!bool maybe")
@example("!!int ''")
@example("!!map x")
@example("{!!seq x: 1}")
@example("[!!seq x]")
@settings(max_examples=250, deadline=None)
def test_any_text_is_data_or_refused_with_a_reason(text: str) -> None:
    try:
        data, lines = parse_document(text)
    except SettingsError as error:
        assert str(error)  # noqa: PT017
    else:
        assert data is None or lines[()] >= 1
        json.dumps(data)


def test_null_is_as_good_as_absent_and_a_default_may_be_written() -> None:
    plain = with_node(kind="coalesce", branches=["a", "b"], merge="nested", to="out")
    full = with_node(
        kind="coalesce",
        branches=("a", "b"),
        merge="nested",
        to="out",
        policy="require_all",
        quorum_count=None,
        timeout_seconds=None,
        select_branch=None,
        collisions="last_wins",
    )
    assert read_pipeline({**full, "run": None}) == read_pipeline(plain)
    assert "to (x): missing: it is required" in refusals(with_node(kind="transform", to=None))[0]


def test_keys_are_what_is_written_and_not_what_yaml_makes_of_them() -> None:
    assert parse_document("{true: 1, no: 2, 3: 4, 2020-01-01: 2020-01-01}")[0] == {
        "true": 1,
        "no": 2,
        "3": 4,
        "2020-01-01": "2020-01-01",
    }


@pytest.mark.parametrize(
    "content, told",
    [(b"\xff\xfe\x00", "not UTF-8"), (b" " * (MAX_BYTES + 1), "larger than")],
)
def test_a_file_that_cannot_be_a_pipeline_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "p.yaml").write_bytes(content)
    with pytest.raises(SettingsError, match=told):
        load_pipeline(tmp_path / "p.yaml")


def test_a_file_that_cannot_be_read_is_one_clear_error(tmp_path: Path) -> None:
    for file in (tmp_path, tmp_path / "nowhere.yaml"):
        with pytest.raises(SettingsError, match=r"cannot be read: \w+"):
            load_pipeline(file)


_VALUES: st.SearchStrategy[Any] = st.sampled_from(
    ["out", "x", "fork", "discard", "continue", "", None, True, 0, -1, 1.5, [], ["a", "b"], {}]
) | (st.dictionaries(st.sampled_from(["a", "b", "fork", "out", ""]), st.sampled_from(["out", "continue", "fork", 3])))
_KEY_NAMES = sorted({key for keys in KEYS.values() for key in keys} | {"colour"})


@given(
    st.lists(
        st.dictionaries(st.sampled_from(_KEY_NAMES), _VALUES, max_size=5).flatmap(
            lambda node: st.sampled_from([*NodeKind, "other", None]).map(
                lambda kind: {**node, "kind": kind and str(kind), "name": "x"}
            )
        ),
        max_size=3,
    )
)
@settings(deadline=None)
def test_any_data_is_read_or_refused_with_a_reason(nodes: list[dict[str, Any]]) -> None:
    told: Any = None
    try:
        told = read_pipeline({"name": "p", "nodes": nodes}).nodes
    except SettingsError as error:
        told = error.problems
    assert told

"""Which pipelines are refused, naming the node and the remedy, and what the graph of a good one decides by itself."""

import json
from copy import deepcopy
from typing import Any

import pytest

from fateline_model import IllFormed, Node, build, load
from fateline_model.checker.shapes import SHAPES, coalesce, diamond, fork, pipeline, sink, source, work
from fateline_model.words import NodeKind

from .scenario import problems

Document = dict[str, Any]


def agg(name: str, to: str, **more: object) -> Document:
    return {"name": name, "kind": "aggregation", "to": to, **more}


def gate(name: str, **more: object) -> Document:
    return {"name": name, "kind": "gate", **more}


def changed(node: str, **fields: object) -> Document:
    """The diamond with some keys of one node set, or taken out where the value is None."""
    document = deepcopy(diamond(2, "require_all"))
    for found in document["nodes"]:
        if found["name"] == node:
            found.update(fields)
            for key in [key for key, value in fields.items() if value is None]:
                del found[key]
    return document


AB = {"a": "ta", "b": "tb"}


# ------------------------------------------------------------------------------------------------- single nodes

BAD_NODES = {
    "two nodes of one name": (pipeline("p", source("t"), work("t", "out"), work("t", "out"), sink()), "t", "unique"),
    "a reserved name": (pipeline("p", source("fork"), work("fork", "out"), sink()), "fork", "reserved"),
    "no source": (pipeline("p", sink()), "pipeline", "one source"),
    "two sources": (pipeline("p", source("out"), {**source("out"), "name": "src2"}, sink()), "pipeline", "one source"),
    "an edge to nowhere": (pipeline("p", source("nowhere"), sink()), "src", "no node has that name"),
    "a branch to nowhere": (changed("g", fork={"a": "ta", "b": "nowhere"}), "g", "no node has that name"),
    "an edge into the source": (pipeline("p", source("t"), work("t", "src"), sink()), "t", "nothing enters"),
    "on_error to a transform": (
        pipeline("p", source("t"), work("t", "u", on_error="u"), work("u", "out"), sink()),
        "t",
        "give a sink, or `discard`",
    ),
    "on_error of a sink to a transform": (
        pipeline("p", source("t"), work("t", "out"), sink(on_error="t")),
        "out",
        "give a sink, or `discard`",
    ),
    "on_error to nowhere": (pipeline("p", source("out", on_error="nowhere"), sink()), "src", "no node has that name"),
    "a source that discards": (pipeline("p", source("out", on_error="discard"), sink()), "src", "quarantined"),
    "a gate without routes": (pipeline("p", source("g"), gate("g", routes={}), sink()), "g", "a gate needs it"),
    "a route to a transform": (
        pipeline("p", source("g"), gate("g", routes={"x": "t", "y": "continue"}, to="t"), work("t", "out"), sink()),
        "g",
        "give continue, fork, discard or a sink",
    ),
    "a route to nowhere": (
        pipeline("p", source("g"), gate("g", routes={"x": "nowhere", "y": "out"}), sink()),
        "g",
        "give continue, fork, discard or a sink",
    ),
    "a route to continue without `to`": (
        pipeline("p", source("g"), gate("g", routes={"x": "continue", "y": "out"}), sink()),
        "g",
        "both or neither",
    ),
    "a `to` without a route": (
        pipeline("p", source("g"), gate("g", routes={"x": "discard"}, to="out"), sink()),
        "g",
        "both or neither",
    ),
    "a route to fork without branches": (changed("g", fork=None), "g", "both or neither"),
    "branches without a route to fork": (changed("g", routes={"all": "discard"}), "g", "both or neither"),
    "a quarantine sink that leads on": (
        pipeline("p", source("out", on_error="bad"), sink(), sink("bad", on_error="out")),
        "src",
        "take another sink",
    ),
    "a label that is a branch too": (
        changed("g", routes={"all": "fork", "a": "out"}),
        "g",
        "labels are unique per node",
    ),
    "a reserved branch": (changed("g", fork={"a": "ta", "continue": "tb"}), "g", "reserved"),
    "a reserved route": (changed("g", routes={"all": "fork", "on_error": "out"}), "g", "reserved"),
    "a branch named like a coalesce": (changed("g", fork={"a": "ta", "j": "tb"}), "g", "another name"),
    "a branch declared twice": (changed("j", branches=["a", "a"]), "j", "two or more, each once"),
    "quorum without a count": (changed("j", policy="quorum"), "j", "go together"),
    "a count without quorum": (changed("j", quorum_count=1), "j", "go together"),
    "a quorum above n": (changed("j", policy="quorum", quorum_count=3), "j", "give 1 to 2"),
    "best effort without a timeout": (
        changed("j", policy="best_effort", timeout_seconds=None),
        "j",
        "timeout_seconds",
    ),
    "select without a branch": (changed("j", merge="select"), "j", "go together"),
    "a branch without select": (changed("j", select_branch="a"), "j", "go together"),
    "a selected stranger": (changed("j", merge="select", select_branch="x"), "j", "give one of a, b"),
    "collisions without a union": (changed("j", merge="nested", collisions="fail"), "j", "collisions are union's"),
}

BAD_GRAPHS = {
    "a cycle": (
        pipeline("p", source("t"), work("t", "u"), work("u", "g"), gate("g", routes={"x": "continue"}, to="t"), sink()),
        "t, u, g",
        "acyclic",
    ),
    "a cycle of sinks": (
        pipeline("p", source("out"), sink("out", on_error="bad"), sink("bad", on_error="out")),
        "out, bad",
        "acyclic",
    ),
    "a node that nothing leads to": (
        pipeline("p", source("out"), work("t", "out"), sink()),
        "t",
        "lead an edge to it or remove it",
    ),
    "a sink that nothing leads to": (pipeline("p", source("out"), sink(), sink("side")), "side", "lead an edge"),
    "a branch to two coalesces": (
        pipeline(
            "p",
            source("g"),
            fork("g", {"a": "ga", "b": "j1", "c": "j2"}),
            gate("ga", routes={"x": "continue", "y": "fork"}, to="j1", fork={"p": "tp", "q": "ji"}),
            work("tp", "ji"),
            coalesce("ji", ["p", "q"], "j2"),
            coalesce("j1", ["a", "b"], "out"),
            coalesce("j2", ["a", "c"], "out"),
            sink(),
        ),
        "g",
        "each branch leads to one coalesce, or to sinks",
    ),
    "a coalesce without a fork": (
        pipeline("p", source("t"), work("t", "j"), coalesce("j", ["a", "b"], "out"), sink()),
        "j",
        "two or more branches of one fork",
    ),
    "a coalesce of two forks": (
        pipeline(
            "p",
            source("g"),
            fork("g", {"a": "j", "b": "gb"}),
            fork("gb", {"c": "j", "d": "out"}),
            coalesce("j", ["a", "c"], "out"),
            sink(),
        ),
        "j",
        "two or more branches of one fork",
    ),
    "a coalesce that also gets who owes nothing": (
        pipeline(
            "p",
            source("g"),
            gate("g", routes={"f": "fork", "on": "continue"}, to="j", fork={"a": "j", "b": "j"}),
            coalesce("j", ["a", "b"], "out"),
            sink(),
        ),
        "j",
        "two or more branches of one fork",
    ),
    "a coalesce that a declared branch never reaches": (
        changed("tb", to="out"),
        "j",
        "it declares a, b",
    ),
    "a coalesce that an undeclared branch reaches": (
        pipeline(
            "p",
            source("g"),
            fork("g", {"a": "j", "b": "j", "c": "j"}),
            coalesce("j", ["a", "b"], "out"),
            sink(),
        ),
        "j",
        "it declares a, b",
    ),
    "a node reached with two debts": (
        pipeline(
            "p", source("g"), fork("g", {"a": "t", "b": "t"}), work("t", "j"), coalesce("j", ["a", "b"], "out"), sink()
        ),
        "t",
        "split the node",
    ),
    "a node reached with a debt and without": (
        pipeline(
            "p",
            source("g"),
            gate("g", routes={"f": "fork", "on": "continue"}, to="t", fork={"a": "t", "b": "j"}),
            work("t", "j"),
            coalesce("j", ["a", "b"], "out"),
            sink(),
        ),
        "t",
        "split the node",
    ),
    "an expansion while a branch is owed": (
        changed("ta", expands=True),
        "ta",
        "before the fork or behind the coalesce",
    ),
    "a batch that absorbs what is owed": (
        pipeline(
            "p",
            source("g"),
            fork("g", {"a": "agg", "b": "j"}),
            agg("agg", "j", mode="transform"),
            coalesce("j", ["a", "b"], "out"),
            sink(),
        ),
        "agg",
        "before the fork or behind the coalesce",
    ),
    "two coalesces beneath an owed branch": (
        pipeline(
            "p",
            source("g"),
            fork("g", {"a": "gi", "b": "j"}),
            fork("gi", {"p": "j1", "q": "j1", "r": "j2", "s": "j2"}),
            coalesce("j1", ["p", "q"], "out"),
            coalesce("j2", ["r", "s"], "j"),
            coalesce("j", ["a", "b"], "out"),
            sink(),
        ),
        "gi",
        "beneath an owed branch a fork has at most one coalesce",
    ),
}


@pytest.mark.parametrize("name", [*BAD_NODES, *BAD_GRAPHS])
def test_a_bad_pipeline_is_refused_at_the_right_node_with_the_remedy(name: str) -> None:
    document, where, remedy = {**BAD_NODES, **BAD_GRAPHS}[name]
    found = problems(document)
    assert (where, True) in [(problem.where, remedy in problem.remedy) for problem in found], found


FOLLOWS = {
    "a branch to two coalesces": {"j1", "j2"},
    "a node reached with two debts": {"j"},
    "a node reached with a debt and without": {"j"},
}
"""Where a debt has gone wrong, the coalesces ahead cannot be right either."""


@pytest.mark.parametrize("name", [*BAD_NODES, *BAD_GRAPHS])
def test_a_single_mistake_is_told_where_it_is_and_not_all_over_the_graph(name: str) -> None:
    document, where, _ = {**BAD_NODES, **BAD_GRAPHS}[name]
    assert {problem.where for problem in problems(document)} == {where} | FOLLOWS.get(name, set())


def test_all_problems_of_single_nodes_are_told_at_once() -> None:
    document = changed("j", policy="quorum", merge="select", collisions="fail")
    document["nodes"][0]["to"] = "nowhere"
    document["nodes"].append(work("continue", "out"))
    assert [(problem.where, problem.remedy.split(";")[0]) for problem in problems(document)] == [
        ("continue", "names match [A-Za-z_][A-Za-z0-9_-]*"),
        ("src", "no node has that name"),
        ("j", "quorum and count go together"),
        ("j", "select and branch go together"),
        ("j", "collisions are union's"),
    ]


def test_all_problems_of_the_graph_are_told_at_once() -> None:
    document = changed("ta", expands=True)
    document["nodes"] += [work("lost", "out"), sink("side")]
    assert [problem.where for problem in problems(document)] == ["lost", "side", "ta"]


def test_the_message_numbers_the_problems() -> None:
    with pytest.raises(IllFormed, match=r"(?s)'p' is not well-formed, 2 problems:\n  1\. src: .*\n  2\. side: ") as bad:
        load(pipeline("p", source("nowhere"), sink(), sink("side", on_error="elsewhere")))
    assert bad.value.pipeline == "p"


def test_one_problem_is_one_problem() -> None:
    with pytest.raises(IllFormed, match="1 problem:"):
        load(pipeline("p", source("nowhere"), sink()))


# ------------------------------------------------------------------------------------------------- what is decided


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_the_scopes_is_well_formed(shape: str) -> None:
    made = load(SHAPES[shape]())
    assert list(made.nodes) == [node["name"] for node in SHAPES[shape]()["nodes"]]
    assert set(made.stacks) == {n.name for n in made.nodes.values() if n.kind is not NodeKind.SINK}
    assert made.warnings == ()


def test_nested_forks_stack_their_debts() -> None:
    """A coalesce shows the stack of the first edge into it; only the branch on top differs along the others."""
    made = load(SHAPES["nested"]())
    outer, inner = ("g", "a"), ("gi", "p")
    assert made.stacks == {
        "src": (),
        "g": (),
        "gi": (outer,),
        "tp": (outer, inner),
        "ji": (outer, ("gi", "q")),
        "tb": (("g", "b"),),
        "j": (outer,),
    }
    assert made.joined == {("g", "a"): "j", ("g", "b"): "j", ("gi", "p"): "ji", ("gi", "q"): "ji"}
    assert (made.beneath["g"], made.beneath["gi"]) == ((), (outer,))


def test_a_partly_joined_fork_owes_only_on_the_joined_branches() -> None:
    made = load(SHAPES["partial"]())
    assert made.joined == {("g", "a"): "j", ("g", "b"): "j"}
    assert made.stacks["ta"] == (("g", "a"),)
    assert made.stacks["tc"] == ()
    assert not made.loses("g", "a")
    assert made.loses("g", "c")
    assert made.loses("g", "d")


def test_beneath_an_owed_branch_the_unjoined_child_owes_nothing() -> None:
    """Its siblings' barrier holds the debt; it must not be owed twice."""
    made = load(SHAPES["inner_partial"]())
    outer = ("g", "a")
    assert made.joined == {("g", "a"): "j", ("g", "b"): "j", ("gi", "p"): "ji", ("gi", "q"): "ji"}
    assert made.stacks["gi"] == (outer,)
    assert made.stacks["tp"] == (outer, ("gi", "p"))
    assert made.stacks["tr"] == ()
    assert made.beneath["gi"] == (outer,)


def test_every_way_out_of_an_owed_branch_loses_it_and_the_way_on_does_not() -> None:
    made = load(SHAPES["leaving"]())
    assert made.joined == {("g", "a"): "j", ("g", "b"): "j"}
    assert made.stacks["gi"] == made.stacks["ti"] == (("g", "a"),)
    assert made.beneath["gi"] == ()
    told = {(src, label): made.loses(src, label) for src, label in made.edges if src in ("gi", "ti")}
    assert told == {
        ("gi", "continue"): False,
        ("gi", "away"): True,
        ("gi", "x"): True,
        ("gi", "y"): True,
        ("gi", "on_error"): True,
        ("ti", "continue"): False,
        ("ti", "on_error"): True,
    }


def test_one_fork_may_have_two_coalesces() -> None:
    made = load(SHAPES["parallel"]())
    assert made.joined == {("g", "a"): "j1", ("g", "b"): "j1", ("g", "c"): "j2", ("g", "d"): "j2"}
    assert {made.stacks[name] for name in ("ta", "tc")} == {(("g", "a"),), (("g", "c"),)}


def test_a_coalesce_puts_out_the_stack_without_its_top() -> None:
    made = load(SHAPES["three_deep"]())
    assert [len(made.stacks[name]) for name in ("g1", "g2", "g3", "te", "j3", "j2", "j1")] == [0, 1, 2, 3, 3, 2, 1]
    assert load(SHAPES["sequential"]()).stacks["g2"] == ()


def test_reach_is_here_or_ahead_and_never_behind() -> None:
    made = load(SHAPES["sequential"]())
    assert made.reaches("g2", "g2")
    assert made.reaches("ta", "j2")
    assert not made.reaches("j2", "ta")
    assert not made.reaches("ta", "g1")


def test_the_order_is_topological_and_declared_among_equals() -> None:
    assert load(SHAPES["nested"]()).order == ("src", "g", "gi", "tp", "ji", "tb", "j", "out")
    late = pipeline("p", source("t"), sink("z"), work("t", "g"), gate("g", routes={"x": "z", "y": "a"}), sink("a"))
    assert load(late).order == ("src", "t", "g", "z", "a")


@pytest.mark.parametrize(
    "policy, merge, told",
    [
        ("first", "select:a", "`select` with `first` fails"),
        ("quorum:1", "select:b", "`select` with a quorum below n fails"),
        ("quorum:2", "select:b", None),
        ("best_effort", "select:a", None),
        ("first", "union", None),
        ("quorum:1", "nested", None),
    ],
)
def test_a_select_that_may_miss_its_branch_is_legal_and_warned_about(policy: str, merge: str, told: str | None) -> None:
    warnings = load(diamond(2, policy, merge)).warnings
    assert len(warnings) == (told is not None)
    assert told is None or warnings[0].startswith(f"j: {told}")


def in_a_row(count: int) -> Document:
    """A pipeline of so many nodes, one behind the other."""
    last = count - 3
    works = [work(f"t{n}", f"t{n + 1}" if n < last else "out") for n in range(count - 2)]
    return pipeline("long", source("t0"), *works, sink())


def test_the_graph_is_walked_in_its_own_order_so_no_depth_of_it_is_too_deep() -> None:
    assert len(load(in_a_row(1000)).order) == 1000


def test_more_nodes_than_anybody_draws_are_refused() -> None:
    (problem,) = problems(in_a_row(1001))
    assert problem == ("pipeline", "1001 nodes", "at most 1000")


# ------------------------------------------------------------------------------------------------- the JSON form


def bad(key: str, value: object, node: str = "j") -> Document:
    return changed(node, **{key: value})


@pytest.mark.parametrize(
    "document, where, found, remedy",
    [
        (None, "pipeline", "found None", "an object with `name` and a list `nodes`"),
        ([], "pipeline", "found []", "a list `nodes`"),
        ("nodes", "pipeline", "found 'nodes'", "a list `nodes`"),
        ({"nodes": {}}, "pipeline", "found {'nodes': {}}", "a list `nodes`"),
        ({"name": 7, "nodes": []}, "name", "found 7", "a string"),
        ({"nodes": [], "x": 1}, "x", "unknown key", "allowed: name, nodes"),
        ({"nodes": [7]}, "nodes[0]", "found 7", "an object"),
        ({"nodes": [{"kind": "sink"}]}, "nodes[0]", "no `name`", "a name and a kind"),
        ({"nodes": [{"name": "x"}]}, "nodes[0]", "no `kind`", "a name and a kind"),
        ({"nodes": [{"name": "x", "kind": "magic"}]}, "nodes[0].kind", "found 'magic'", "transform, gate"),
        ({"nodes": [{"name": "1x", "kind": "sink"}]}, "nodes[0].name", "found '1x'", "names match"),
        ({"nodes": [{"name": "x\n", "kind": "sink"}]}, "nodes[0].name", r"found 'x\n'", "names match"),
        ({"nodes": [{"name": ["x"], "kind": "sink"}]}, "nodes[0].name", "found ['x']", "type string"),
        ({"nodes": [{"name": "x", "kind": "source"}]}, "nodes[0] (x)", "no `to`", "a source needs it"),
        (bad("policy", "all"), "nodes[4] (j).policy", "found 'all'", "require_all, quorum"),
        (bad("branches", ["a"]), "nodes[4] (j).branches", "found 1 items", "at least 2"),
        (bad("branches", "ab"), "nodes[4] (j).branches", "found 'ab'", "type array"),
        (bad("branches", ["a", 2]), "nodes[4] (j).branches.1", "found 2", "type string"),
        (bad("branches", [["a"], "b"]), "nodes[4] (j).branches.0", "found ['a']", "type string"),
        (bad("quorum_count", True), "nodes[4] (j).quorum_count", "found True", "type integer"),
        (bad("quorum_count", 1.0), "nodes[4] (j).quorum_count", "found 1.0", "type integer"),
        (bad("quorum_count", 0), "nodes[4] (j).quorum_count", "found 0", "at least 1"),
        (bad("timeout_seconds", 0), "nodes[4] (j).timeout_seconds", "found 0", "at least 0.001"),
        (bad("timeout_seconds", -0.5), "nodes[4] (j).timeout_seconds", "found -0.5", "at least 0.001"),
        (bad("timeout_seconds", float("inf")), "nodes[4] (j).timeout_seconds", "found inf", "at most 1000000000"),
        (bad("timeout_seconds", float("-inf")), "nodes[4] (j).timeout_seconds", "found -inf", "at least 0.001"),
        (bad("timeout_seconds", "60"), "nodes[4] (j).timeout_seconds", "found '60'", "type number"),
        (bad("attempts", 0, "ta"), "nodes[2] (ta).attempts", "found 0", "at least 1"),
        (bad("attempts", 1001, "ta"), "nodes[2] (ta).attempts", "found 1001", "at most 1000"),
        (bad("attempts", True, "ta"), "nodes[2] (ta).attempts", "found True", "type integer"),
        (bad("expands", 1, "ta"), "nodes[2] (ta).expands", "found 1", "type boolean"),
        (bad("to", "a b", "ta"), "nodes[2] (ta).to", "found 'a b'", "names match"),
        (bad("fork", ["a"], "g"), "nodes[1] (g).fork", "found ['a']", "type object"),
        (bad("fork", {"a": "ta", "b": None}, "g"), "nodes[1] (g).fork.b", "found None", "type string"),
        (bad("fork", {"a": "ta", "b c": "tb"}, "g"), "nodes[1] (g).fork: key", "found 'b c'", "names match"),
        (bad("fork", {"a": "ta", True: "tb"}, "g"), "nodes[1] (g).fork: key", "found True", "type string"),
        (bad("routes", {"all": {"x": 1}}, "g"), "nodes[1] (g).routes.all", "found {'x': 1}", "type string"),
        (bad("policy", "first", "ta"), "nodes[2] (ta).policy", "a transform has no such key", "allowed: to, on_error"),
        (bad("to", "ta", "out"), "nodes[5] (out).to", "a sink has no such key", "allowed: on_error, attempts"),
    ],
)
def test_a_value_of_the_wrong_shape_is_told_with_place_value_and_remedy(
    document: object, where: str, found: str, remedy: str
) -> None:
    (problem,) = problems(document)
    assert problem.where == where
    assert problem.found == found
    assert remedy in problem.remedy
    assert str(problem) == f"{where}: {found}; {problem.remedy}"


def test_all_problems_of_shape_are_told_at_once() -> None:
    document = {"name": 1, "x": 2, "nodes": [3, {"name": "s", "kind": "source", "to": 4, "y": 5}, {"kind": "sink"}]}
    assert [problem.where for problem in problems(document)] == [
        "name",
        "x",
        "nodes[0]",
        "nodes[1] (s).to",
        "nodes[1] (s).y",
        "nodes[2]",
    ]


def test_a_huge_value_is_told_in_one_line() -> None:
    (problem,) = problems(bad("policy", "x" * 1_000_000))
    assert len(problem.found) < 100
    (problem,) = problems({"nodes": "x" * 1_000_000})
    assert len(problem.found) < 100


def test_a_huge_number_is_a_problem_and_no_error() -> None:
    (problem,) = problems(bad("attempts", 10**5000, "ta"))
    assert problem.where == "nodes[2] (ta).attempts"
    assert "at most 1000" in problem.remedy
    assert len(problem.found) < 100


def test_a_value_that_holds_itself_over_and_over_is_told_in_a_moment() -> None:
    """Ten lists deep, ten times each: what YAML's aliases make of half a page."""
    bomb: list[object] = ["x"] * 10
    for _ in range(30):
        bomb = [bomb] * 10
    (problem,) = problems({"name": bomb, "nodes": []})[:1]
    assert problem.where == "name"
    assert len(problem.found) < 100


def test_a_value_that_contains_itself_is_a_problem_and_no_error() -> None:
    endless: list[object] = []
    endless.append(endless)
    assert [problem.where for problem in problems(bad("branches", endless))] == [
        "nodes[4] (j).branches.0",
        "nodes[4] (j).branches",
    ]


def test_a_deeply_nested_value_is_a_problem_and_no_error() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    (problem,) = problems(bad("policy", deep))
    assert problem.where == "nodes[4] (j).policy"


def test_a_timeout_that_is_no_number_is_a_problem() -> None:
    assert {problem.where for problem in problems(bad("timeout_seconds", float("nan")))} == {
        "nodes[4] (j).timeout_seconds"
    }


def test_defaults_are_those_of_the_specification() -> None:
    made = load(
        pipeline(
            "p",
            source("g"),
            fork("g", {"a": "j", "b": "j"}),
            {"name": "j", "kind": "coalesce", "branches": ["a", "b"], "to": "agg"},
            agg("agg", "out"),
            sink(),
        )
    )
    j, batch = made.nodes["j"], made.nodes["agg"]
    assert (j.policy, j.merge, j.collisions, j.timeout_seconds) == ("require_all", "union", "last_wins", None)
    assert (batch.mode, batch.count, batch.condition, made.nodes["out"].attempts) == ("transform", None, None, 1)


def test_a_pipeline_without_a_name_has_one() -> None:
    assert load({"nodes": [source("out"), sink()]}).name == "pipeline"


@pytest.mark.parametrize(
    "node, where, remedy",
    [
        (Node("t", NodeKind.TRANSFORM), "t", "a transform needs it"),
        (Node("t", NodeKind.TRANSFORM, to="out", attempts=0), "t.attempts", "at least 1"),
        (Node("t", NodeKind.TRANSFORM, to="out", branches=("a", "b")), "t.branches", "leave it out"),
        (Node("t", NodeKind.SINK, to="out"), "t.to", "leave it out"),
        (Node("t", NodeKind.GATE, to="out"), "t", "a gate needs it"),
    ],
)
def test_a_node_made_by_hand_is_held_to_the_same_rules(node: Node, where: str, remedy: str) -> None:
    with pytest.raises(IllFormed) as bad:
        build("p", (Node("src", NodeKind.SOURCE, to="t"), node, Node("out", NodeKind.SINK)))
    assert [(problem.where, remedy in problem.remedy) for problem in bad.value.problems] == [(where, True)]


def test_json_and_nodes_by_hand_are_the_same_pipeline() -> None:
    by_hand = build("p", (Node("src", NodeKind.SOURCE, to="out"), Node("out", NodeKind.SINK)))
    from_json = load(json.loads(json.dumps(pipeline("p", source("out"), sink()))))
    assert by_hand.nodes == from_json.nodes
    assert by_hand.edges == from_json.edges == {("src", "continue"): "out"}

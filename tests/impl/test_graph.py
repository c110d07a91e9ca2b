"""The execution graph: what is refused at build, naming the nodes, and what it answers while a run goes on."""

from typing import Any

import pytest

from fateline_engine.graph import ExecutionGraph, Frame, Stack
from fateline_engine.settings import SettingsError, SinkNode, read_pipeline
from fateline_engine.topology import edge_stack, survey

Nodes = dict[str, dict[str, Any]]


def source(to: str) -> dict[str, Any]:
    return {"kind": "source", "to": to}


def step(to: str, **keys: object) -> dict[str, Any]:
    return {"kind": "transform", "to": to, **keys}


def fork(to: str | None = None, **branches: str) -> dict[str, Any]:
    """A gate that forks; with ``to`` it may also go on."""
    return {
        "kind": "gate",
        "routes": {"x": "fork"} if to is None else {"x": "fork", "y": "continue"},
        "fork": branches,
        **({} if to is None else {"to": to}),
    }


def join(to: str, *branches: str, **keys: object) -> dict[str, Any]:
    return {"kind": "coalesce", "branches": list(branches), "to": to, **keys}


def batch(to: str, mode: str) -> dict[str, Any]:
    return {"kind": "aggregation", "to": to, "mode": mode}


def build(nodes: Nodes, *sinks: str) -> ExecutionGraph:
    listed = [{"name": name, **node} for name, node in nodes.items()]
    listed += [{"name": name, "kind": "sink"} for name in sinks or ("out",)]
    return ExecutionGraph.build(read_pipeline({"name": "p", "nodes": listed}))


def refusals(nodes: Nodes, *sinks: str) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        build(nodes, *sinks)
    return [str(problem) for problem in refused.value.problems]


SIMPLE: Nodes = {
    "s": source("g"),
    "g": fork(a="ta", b="j"),
    "ta": step("j"),
    "j": join("out", "a", "b"),
}

NESTED: Nodes = {
    "s": source("g"),
    "g": fork(a="h", b="tb", free="tf"),
    "h": fork(to="ta", p="j1", q="j1", loose="tl"),
    "tl": step("bin"),
    "j1": join("ta", "p", "q"),
    "ta": step("j"),
    "tb": {"kind": "gate", "routes": {"go": "continue", "no": "bin"}, "to": "j", "on_error": "bin"},
    "tf": step("out"),
    "j": join("after", "a", "b"),
    "after": step("out"),
}

AWAY: Nodes = {
    "s": source("g"),
    "g": fork(a="h", b="j"),
    "h": fork(to="j", p="j1", q="j1"),
    "j1": join("t1", "p", "q"),
    "t1": step("out", expands=True),
    "j": join("out", "a", "b"),
}
"""An inner fork whose own coalesce leads away from the outer one."""


def test_nodes_come_in_topological_and_then_declared_order() -> None:
    graph = build(NESTED, "out", "bin")
    assert graph.nodes == ("s", "g", "h", "tl", "j1", "ta", "tb", "tf", "j", "after", "out", "bin")
    assert [graph.rank(name) for name in graph.nodes] == list(range(12))
    assert graph.declared[-2:] == ("out", "bin")
    assert graph.source.name == "s"


def stack_along(graph: ExecutionGraph, src: str, label: str) -> Stack:
    """What a token owes on an edge."""
    return edge_stack(survey(graph.pipeline), graph.edge(src, label))


def test_edges_are_found_by_their_label() -> None:
    graph = build(NESTED, "out", "bin")
    assert graph.target("h", "continue") == "ta"
    assert graph.edge("tb", "no").dst == "bin"
    assert [edge.label for edge in graph.edges_from("tb")] == ["continue", "no", "on_error"]
    assert graph.edges_from("out") == ()
    assert "y" not in {edge.label for edge in graph.edges_from("h")}
    with pytest.raises(KeyError, match="no edge y leaves h"):
        graph.edge("h", "y")


def test_nodes_are_asked_for_by_kind() -> None:
    graph = build(SIMPLE)
    assert isinstance(graph.sink("out"), SinkNode)
    assert graph.node("ta") is graph.transform("ta")
    assert repr(graph) == "<ExecutionGraph p: 5 nodes, 5 edges>"
    assert graph.coalesce("j").branches == ("a", "b")
    with pytest.raises(TypeError, match="ta is a transform"):
        graph.gate("ta")


def test_the_stack_is_what_a_token_owes_at_a_node() -> None:
    graph = build(NESTED, "out", "bin")
    a, b = Frame("g", "a"), Frame("g", "b")
    assert {name: graph.stack(name) for name in graph.nodes if graph.stack(name)} == {
        "h": (a,),
        "ta": (a,),
        "tb": (b,),
        "j1": (a,),
    }
    assert stack_along(graph, "h", "p") == (a, Frame("h", "p"))
    assert stack_along(graph, "h", "loose") == ()
    assert stack_along(graph, "h", "continue") == (a,)
    assert stack_along(graph, "j1", "continue") == (a,)
    assert stack_along(graph, "j", "continue") == ()


def test_branches_know_their_coalesce() -> None:
    graph = build(NESTED, "out", "bin")
    assert (graph.coalesce_of("g", "a"), graph.coalesce_of("h", "q")) == ("j", "j1")
    assert (graph.coalesce_of("g", "free"), graph.coalesce_of("h", "loose")) == (None, None)
    assert (graph.joined("g"), graph.joined("h")) == (("a", "b"), ("p", "q"))
    assert (graph.fork_of("j"), graph.fork_of("j1")) == ("g", "h")


def test_a_debt_is_lost_where_no_path_leads_on() -> None:
    graph = build(NESTED, "out", "bin")
    assert graph.lost_along("tb", "no") == graph.lost_along("tb", "on_error") == Frame("g", "b")
    assert graph.lost_along("tb", "continue") is None
    assert graph.debt_at("tb") == Frame("g", "b")
    assert graph.debt_at("j1") == Frame("g", "a"), "what the inner barrier holds"
    assert graph.debt_at("j") is graph.debt_at("tl") is graph.debt_at("bin") is None
    assert graph.lost_at_fork("h") is graph.lost_at_fork("g") is None


def test_a_fork_that_leads_away_loses_the_debt_beneath_and_only_once() -> None:
    graph = build(AWAY)
    assert graph.lost_at_fork("h") == Frame("g", "a")
    assert graph.debt_at("j1") is graph.debt_at("t1") is None
    assert graph.lost_along("t1", "continue") is None
    unjoined = build(SIMPLE | {"ta": fork(to="j", u="out", v="out")})
    assert unjoined.lost_at_fork("ta") == Frame("g", "a")
    assert stack_along(unjoined, "ta", "u") == ()


def test_a_debt_ends_at_the_edge_that_loses_it() -> None:
    """A node behind such an edge owes nothing, so an edge that never owed anything may lead there too."""
    graph = build(
        {
            "s": source("g"),
            "g": fork(to="t", a="h", b="j"),
            "h": fork(to="t", p="k", q="k"),
            "k": join("j", "p", "q"),
            "j": join("out", "a", "b"),
            "t": step("out", expands=True),
        }
    )
    assert graph.lost_along("h", "continue") == Frame("g", "a")
    assert stack_along(graph, "h", "continue") == graph.stack("t") == ()
    assert stack_along(graph, "h", "p") == (Frame("g", "a"), Frame("h", "p"))


def test_a_fork_that_leads_away_keeps_no_debt_beneath_its_branches() -> None:
    graph = build(AWAY)
    assert stack_along(graph, "h", "p") == (Frame("h", "p"),)
    assert graph.stack("j1") == ()


def test_reach() -> None:
    graph = build(NESTED, "out", "bin")
    assert graph.reaches("h", "j")
    assert graph.reaches("h", "h")
    assert not graph.reaches("j", "h")
    assert {name for name in graph.nodes if graph.reaches(name, "j1")} == {"s", "g", "h", "j1"}


def test_one_fork_may_have_two_coalesces_where_nothing_is_owed() -> None:
    graph = build(
        {
            "s": source("g"),
            "g": fork(a="j1", b="j1", c="j2", d="j2"),
            "j1": join("out", "a", "b"),
            "j2": join("out", "c", "d"),
        }
    )
    assert [graph.coalesce_of("g", branch) for branch in "abcd"] == ["j1", "j1", "j2", "j2"]


def test_branches_of_two_forks_may_share_their_names() -> None:
    graph = build(
        {
            "s": source("g1"),
            "g1": fork(a="j1", b="j1"),
            "j1": join("g2", "a", "b"),
            "g2": fork(a="j2", b="j2"),
            "j2": join("out", "a", "b"),
        }
    )
    assert (graph.fork_of("j1"), graph.fork_of("j2")) == ("g1", "g2")


def test_a_branch_that_is_not_joined_may_meet_the_main_line() -> None:
    graph = build(
        {
            "s": source("g"),
            "g": fork(a="j", b="j", aside="after"),
            "j": join("after", "a", "b"),
            "after": step("out"),
        }
    )
    assert graph.stack("after") == ()


REFUSED: dict[str, tuple[Nodes, str]] = {
    "a cycle": (
        {"s": source("a"), "a": step("b"), "b": step("a")},
        "a pipeline must not have a cycle; this is one: a → b → a",
    ),
    "unreachable": (
        {"s": source("out"), "alone": step("out")},
        "nodes[1] (alone): no path leads here from the source",
    ),
    "a coalesce without a fork": (
        {"s": source("j"), "j": join("out", "a", "b")},
        "no branch a, b of any fork leads here",
    ),
    "a branch that goes elsewhere": (
        SIMPLE | {"ta": step("out")},
        "nodes[3].branches (j): no branch a of the fork g leads here",
    ),
    "a branch that is not listed": (
        SIMPLE | {"g": fork(a="ta", b="j", c="j")},
        "nodes[1].fork.c (g): branch c leads to the coalesce j, which joins a, b and not c",
    ),
    "branches of two forks": (
        {
            "s": source("g"),
            "g": fork(a="j", u="h"),
            "h": fork(a="out", b="j"),
            "j": join("out", "a", "b"),
        },
        "which also wants b, not of this fork",
    ),
    "two forks of the same branches": (
        {
            "s": source("r"),
            "r": fork(one="g", two="h"),
            "g": fork(a="j", b="j"),
            "h": fork(a="j", b="j"),
            "j": join("out", "a", "b"),
        },
        "nodes[4].branches (j): joins branches of 2 forks (g, h)",
    ),
    "a branch with two coalesces": (
        {
            "s": source("g"),
            "g": fork(a="h", b="j1", c="j2"),
            "h": fork(to="j1", p="k", q="k"),
            "k": join("j2", "p", "q"),
            "j1": join("out", "a", "b"),
            "j2": join("out", "a", "c"),
        },
        "nodes[1].fork.a (g): branch a leads to the coalesces j1 and j2",
    ),
    "the main line runs into a coalesce": (
        SIMPLE | {"g": fork(to="j", a="ta", b="j")},
        "(j): is reached from g owing nothing, and joins only a, b",
    ),
    "two debts meet": (
        {
            "s": source("g"),
            "g": fork(to="t", a="t", b="j"),
            "t": step("j"),
            "j": join("out", "a", "b"),
        },
        "(t): is reached from g owing nothing and from g owing g.a",
    ),
    "two coalesces beneath a debt": (
        {
            "s": source("g"),
            "g": fork(a="h", b="j"),
            "h": fork(w="j1", x="j1", y="j2", z="j2"),
            "j1": join("j", "w", "x"),
            "j2": join("out", "y", "z"),
            "j": join("out", "a", "b"),
        },
        "(h): forks to the coalesces j1 and j2 while it owes g.a",
    ),
    "an expansion beneath a debt": (
        SIMPLE | {"ta": step("j", expands=True)},
        "nodes[2].expands (ta): stands between the fork g and its coalesce j",
    ),
    "a batch beneath a debt": (
        SIMPLE | {"ta": batch("j", "transform")},
        "nodes[2].mode (ta): stands between the fork g and its coalesce j",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_pipeline_is_refused_naming_the_nodes(case: str) -> None:
    nodes, told = REFUSED[case]
    found = refusals(nodes)
    assert any(told in problem for problem in found), found


def test_several_problems_of_shape_are_told_together() -> None:
    found = refusals(SIMPLE | {"ta": step("out"), "alone": step("out")})
    assert len(found) == 2


def test_sinks_that_divert_in_a_circle_are_refused() -> None:
    nodes = [
        {"name": "s", **source("x")},
        {"name": "x", "kind": "sink", "on_error": "y"},
        {"name": "y", "kind": "sink", "on_error": "x"},
    ]
    with pytest.raises(SettingsError, match="x → y → x"):
        ExecutionGraph.build(read_pipeline({"name": "p", "nodes": nodes}))


def test_what_lets_members_pass_may_stand_beneath_a_debt() -> None:
    assert build(SIMPLE | {"ta": batch("j", "passthrough")}).stack("ta") == (Frame("g", "a"),)


@pytest.mark.parametrize(
    "keys, when",
    [
        ({"policy": "first"}, "whenever the first arrival is another branch"),
        ({"policy": "quorum", "quorum_count": 1}, "whenever the quorum of 1 is met without it"),
        ({"policy": "best_effort", "timeout_seconds": 1}, "whenever it is lost or late"),
        ({"policy": "quorum", "quorum_count": 2}, None),
        ({}, None),
    ],
)
def test_a_select_that_may_miss_its_branch_is_warned_about(keys: dict[str, Any], when: str | None) -> None:
    graph = build(SIMPLE | {"j": join("out", "a", "b", merge="select", select_branch="a", **keys)})
    assert [when is not None and when in str(warning) for warning in graph.warnings] == [True] * (when is not None)

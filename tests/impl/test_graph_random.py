"""Random pipelines: those built as brackets are taken with the very debts they were built with; what is left after an
edge was bent is refused, or walking every path of it meets only what the graph says."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from fateline_engine.graph import EMPTY, ExecutionGraph, Frame, Stack
from fateline_engine.settings import CoalesceNode, GateNode, SettingsError, SinkNode, read_pipeline
from fateline_engine.topology import edge_stack, survey

Node = dict[str, Any]
NAMES = ["a", "b", "c", "d"]


@dataclass
class Built:
    """A pipeline as it grows from its end to its source, and what is known of it by construction."""

    draw: st.DrawFn
    nodes: list[Node] = field(default_factory=list)
    stacks: dict[str, Stack] = field(default_factory=dict)
    joins: dict[Frame, str] = field(default_factory=dict)
    lost_at_fork: dict[str, Frame | None] = field(default_factory=dict)

    def add(self, kind: str, stack: Stack, **keys: object) -> str:
        name = f"{kind}{len(self.nodes)}"
        self.nodes.append({"name": name, "kind": kind, **keys})
        self.stacks[name] = stack
        return name

    def flip(self) -> bool:
        return self.draw(st.booleans())

    def segment(self, depth: int, stack: Stack, to: str) -> str:
        """Some nodes that lead to ``to``; the name of the first."""
        shapes = [self.step, self.gate, self.batch, *([self.fork, self.fork] if depth else [])]
        for shape in self.draw(st.lists(st.sampled_from(shapes), max_size=3)):
            to = shape(depth, stack, to)
        return to

    def step(self, depth: int, stack: Stack, to: str) -> str:
        expands = not stack and self.flip()
        return self.add("transform", stack, to=to, expands=expands, **({"on_error": "bin"} if self.flip() else {}))

    def gate(self, depth: int, stack: Stack, to: str) -> str:
        return self.add("gate", stack, to=to, routes={"on": "continue", "off": "bin", "no": "discard"})

    def batch(self, depth: int, stack: Stack, to: str) -> str:
        mode = "passthrough" if stack or self.flip() else "transform"
        return self.add("aggregation", stack, to=to, mode=mode)

    def fork(self, depth: int, stack: Stack, to: str) -> str:
        """A fork whose joined branches come together, once or twice, or lead away; and some that nothing joins."""
        goes_on = self.flip()
        away = goes_on and self.flip()
        gate = f"fork{len(self.nodes)}"
        self.nodes.append({"name": gate, "kind": "gate"})
        place = self.nodes[-1]
        self.stacks[gate] = stack
        names = self.draw(st.permutations(NAMES))
        beneath = EMPTY if away else stack
        groups = [names[:2], names[2:4]] if not stack and self.flip() else [names[: self.draw(st.integers(2, 3))]]
        if away and self.flip():
            groups = []
        branches: dict[str, str] = {}
        for group in groups:
            coalesce = self.add("coalesce", beneath, branches=list(group), to="bin" if away else to)
            for branch in group:
                frame = Frame(gate, branch)
                self.joins[frame] = coalesce
                branches[branch] = self.segment(depth - 1, (*beneath, frame), coalesce)
        if not groups or self.flip():
            branches["free"] = self.segment(0, EMPTY, "bin")
        place["fork"] = dict(self.draw(st.permutations(list(branches.items()))))
        place["routes"] = {"f": "fork", **({"on": "continue"} if goes_on else {})}
        if goes_on:
            place["to"] = to
        self.lost_at_fork[gate] = stack[-1] if stack and away else None
        return gate

    def data(self, to: str) -> dict[str, Any]:
        source = {"name": "source", "kind": "source", "to": to}
        self.stacks["source"] = EMPTY
        sinks: list[Node] = [{"name": "out", "kind": "sink"}, {"name": "bin", "kind": "sink"}]
        return {"name": "p", "nodes": [source, *self.nodes, *sinks]}


@st.composite
def brackets(draw: st.DrawFn) -> tuple[Built, dict[str, Any]]:
    built = Built(draw)
    first = built.add("gate", EMPTY, to=built.segment(2, EMPTY, "out"), routes={"on": "continue", "off": "bin"})
    return built, built.data(first)


@given(brackets())
@settings(max_examples=100, deadline=None)
def test_what_is_built_as_brackets_is_taken_with_the_debts_it_was_built_with(
    made: tuple[Built, dict[str, Any]],
) -> None:
    built, data = made
    graph = ExecutionGraph.build(read_pipeline(data))
    assert {name: graph.stack(name) for name in built.stacks} == built.stacks
    for frame, coalesce in built.joins.items():
        assert graph.coalesce_of(*frame) == coalesce
        assert graph.fork_of(coalesce) == frame.gate
    for gate, lost in built.lost_at_fork.items():
        assert graph.lost_at_fork(gate) == lost
        assert set(graph.joined(gate)) == {each.branch for each in built.joins if each.gate == gate}
    walk(graph)
    event(f"{len(built.joins)} joined branches, {max(map(len, built.stacks.values()))} deep")


def reaches(graph: ExecutionGraph, start: str, goal: str) -> bool:
    """By walking, and by nothing that the graph remembers."""
    return start == goal or any(reaches(graph, edge.dst, goal) for edge in graph.edges_from(start))


def walk(graph: ExecutionGraph) -> None:
    """Every path from the source, with a stack of one's own; it must be what the graph says at every node."""
    seen: set[tuple[str, Stack]] = set()
    ahead: list[tuple[str, Stack]] = [("source", EMPTY)]
    while ahead:
        name, stack = here = ahead.pop()
        if here in seen:
            continue
        seen.add(here)
        node = graph.node(name)
        if isinstance(node, SinkNode):
            continue
        if isinstance(node, CoalesceNode):
            assert stack, f"{name} is reached owing nothing"
            assert graph.coalesce_of(*stack[-1]) == name
            assert stack[-1].branch in node.branches
            stack = stack[:-1]
        assert stack == graph.stack(name)
        ahead += steps(graph, name, stack)
    for frame, coalesce in ((f, graph.coalesce_of(*f)) for f in frames(graph)):
        assert any(name == coalesce and stack[-1:] == (frame,) for name, stack in seen), f"{frame} never arrives"


def frames(graph: ExecutionGraph) -> Iterator[Frame]:
    for name in graph.nodes:
        node = graph.node(name)
        if isinstance(node, GateNode):
            yield from (Frame(name, branch) for branch in graph.joined(name))


def steps(graph: ExecutionGraph, name: str, stack: Stack) -> Iterator[tuple[str, Stack]]:
    """Where a token may go from ``name``, and what it owes then; whether a debt is lost is asked on the way."""
    node = graph.node(name)
    owed = graph.coalesce_of(*stack[-1]) if stack else None
    assert owed is None or reaches(graph, name, owed), "a debt is carried where it cannot be paid"
    assert graph.debt_at(name) == (stack[-1] if stack else None)
    for edge in graph.edges_from(name):
        if isinstance(node, GateNode) and edge.label in node.fork:
            frame = Frame(name, edge.label)
            carried = (*beneath(graph, node, stack), frame) if graph.coalesce_of(*frame) else EMPTY
        else:
            carried = stack if owed is not None and reaches(graph, edge.dst, owed) else EMPTY
            assert graph.lost_along(name, edge.label) == (stack[-1] if stack and not carried else None)
        assert edge_stack(survey(graph.pipeline), edge) == carried
        yield edge.dst, carried


def beneath(graph: ExecutionGraph, gate: GateNode, stack: Stack) -> Stack:
    """What a fork hands to its barriers."""
    joining = [found for branch in gate.fork if (found := graph.coalesce_of(gate.name, branch)) is not None]
    owed = graph.coalesce_of(*stack[-1]) if stack else None
    return stack if owed is not None and any(reaches(graph, inner, owed) for inner in joining) else EMPTY


@given(brackets(), st.data())
@settings(max_examples=200, deadline=None)
def test_after_an_edge_was_bent_it_is_refused_or_every_path_still_meets_what_the_graph_says(
    made: tuple[Built, dict[str, Any]], data: st.DataObject
) -> None:
    _, pipeline = made
    names = [node["name"] for node in pipeline["nodes"]]
    bent = data.draw(st.sampled_from([node for node in pipeline["nodes"] if "to" in node or "fork" in node]))
    target = data.draw(st.sampled_from(names))
    if "fork" in bent and data.draw(st.booleans()):
        bent["fork"][data.draw(st.sampled_from(sorted(bent["fork"])))] = target
    elif "to" in bent:
        bent["to"] = target
    try:
        graph = ExecutionGraph.build(read_pipeline(pipeline))
    except SettingsError as error:
        event("refused")
        assert all(problem.node for problem in error.problems)  # noqa: PT017
        return
    event("taken")
    walk(graph)

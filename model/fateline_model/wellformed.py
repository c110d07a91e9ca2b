"""Which pipelines are well-formed, and what follows from the graph alone: static frame stacks, joins, reachability.

Theory. A fork pushes a frame (gate, branch) for each of its branches that is *joined*; the coalesce pops it. Which
branch is joined, and where, is read off the graph: `_joins` gives for each node the coalesces that can pop the
frame on top of a token that enters it. For a sink this set is empty; for a coalesce it is the coalesce itself; for any
other node it is what lies ahead, where inner forks that are joined again are skipped. A branch whose head has an empty
set is not joined: a token on it owes nothing, so its stack is empty. An edge whose head has an empty set is where a debt
is lost.

From this every node but a sink has one static stack, the same along every edge into it; a coalesce takes edges whose
stacks differ only in the top branch, all of one gate. Anything else is refused here, once, so the machines need not
ask again. Not here: the shape of single values (`pipeline.py`).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from .pipeline import Edge, IllFormed, Node, Problem, edges_of, parse, value_problems
from .words import CONTINUE, DISCARD, FORK, NAME_PATTERN, RESERVED, BatchMode, Collisions, NodeKind, Policy, Strategy

MOST_NODES: Final = 1000
Stack = tuple[tuple[str, str], ...]
"""Static frames, (gate, branch), the innermost last."""


@dataclass(frozen=True, eq=False)
class Pipeline:
    """A well-formed pipeline and everything that the graph alone decides. Made by `build`, never by hand."""

    name: str
    nodes: Mapping[str, Node]
    edges: Mapping[tuple[str, str], str]
    joined: Mapping[tuple[str, str], str]
    stacks: Mapping[str, Stack]
    beneath: Mapping[str, Stack]
    order: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    _reach: dict[str, frozenset[str]] = field(default_factory=dict, repr=False)

    @cached_property
    def source(self) -> Node:
        return next(node for node in self.nodes.values() if node.kind is NodeKind.SOURCE)

    def loses(self, src: str, label: str) -> bool:
        """Whether a token that owes a branch loses it by taking this edge, because no path leads on to its coalesce."""
        dst = self.edges[src, label]
        return self.nodes[dst].kind is NodeKind.SINK or not self.stacks[dst]

    def reaches(self, src: str, dst: str) -> bool:
        """Whether a token at `src` can come to `dst`, now or after further nodes."""
        return src == dst or dst in self._reach[src]


def load(document: object) -> Pipeline:
    """Read a pipeline's JSON form and build it, or raise `IllFormed` with every problem."""
    return build(*parse(document))


def build(name: str, nodes: tuple[Node, ...]) -> Pipeline:
    """Check every rule and derive what the graph decides, or raise `IllFormed` with every problem.

    Rules about single nodes come first. If one is broken, the graph is not checked, since its problems would be noise.
    """
    by_name = {node.name: node for node in nodes}
    problems = [p for node in nodes for p in value_problems(node)]
    if len(nodes) > MOST_NODES:
        problems.append(Problem("pipeline", f"{len(nodes)} nodes", f"at most {MOST_NODES}"))
    if problems:
        raise IllFormed(name, tuple(problems))
    problems = [*_name_problems(nodes), *(p for node in nodes for p in _node_problems(node, by_name))]
    if problems:
        raise IllFormed(name, tuple(problems))
    graph = _Graph(by_name)
    problems = [*graph.shape_problems(), *(() if graph.cycle else graph.frame_problems())]
    if problems:
        raise IllFormed(name, tuple(problems))
    return Pipeline(
        name,
        by_name,
        graph.edges,
        graph.joined,
        graph.stacks,
        graph.beneath,
        graph.order,
        tuple(_warnings(nodes)),
        graph.reach,
    )


# ------------------------------------------------------------------------------------------------ single nodes


def _name_problems(nodes: tuple[Node, ...]) -> Iterator[Problem]:
    names = [node.name for node in nodes]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield Problem(name, f"{names.count(name)} nodes have this name", "names are unique")
        if name in RESERVED or not re.fullmatch(NAME_PATTERN, name):
            yield Problem(name, "not a name", f"names match {NAME_PATTERN}; reserved: {', '.join(RESERVED)}")
    sources = [node.name for node in nodes if node.kind is NodeKind.SOURCE]
    if len(sources) != 1:
        yield Problem(
            "pipeline", f"{len(sources)} sources: {', '.join(sources) or 'none'}", "a pipeline has one source"
        )
    coalesces = {node.name for node in nodes if node.kind is NodeKind.COALESCE}
    for node in nodes:
        for branch, _ in node.fork:
            if branch in coalesces:
                yield Problem(node.name, f"branch `{branch}` is named like a coalesce", "give it another name")
        for label, _ in (*node.routes, *node.fork):
            if label in RESERVED or not re.fullmatch(NAME_PATTERN, label):
                yield Problem(node.name, f"`{label}` is not a label", f"reserved: {', '.join(RESERVED)}")


def _node_problems(node: Node, nodes: Mapping[str, Node]) -> Iterator[Problem]:
    for edge in edges_of(node):
        if edge.dst not in nodes:
            yield Problem(node.name, f"edge `{edge.label}` leads to `{edge.dst}`", "no node has that name")
        elif nodes[edge.dst].kind is NodeKind.SOURCE:
            yield Problem(node.name, f"edge `{edge.label}` leads to the source", "nothing enters the source")
    if node.on_error is not None and node.on_error != DISCARD:
        target = nodes.get(node.on_error)
        if target is not None and target.kind is not NodeKind.SINK:
            yield Problem(node.name, f"`on_error: {node.on_error}` is a {target.kind}", "give a sink, or `discard`")
        elif node.kind is NodeKind.SOURCE and target is not None and target.on_error not in (None, DISCARD):
            found = f"its quarantine sink {target.name} has `on_error: {target.on_error}`"
            yield Problem(node.name, found, "an invalid row enters no node but its quarantine sink: take another sink")
    if node.kind is NodeKind.SOURCE and node.on_error == DISCARD:
        yield Problem(node.name, "`on_error: discard` on a source", "leave it out: an invalid row is quarantined")
    checks = {NodeKind.GATE: _gate_problems, NodeKind.COALESCE: _coalesce_problems}
    if node.kind in checks:
        yield from checks[node.kind](node, nodes)


def _gate_problems(node: Node, nodes: Mapping[str, Node]) -> Iterator[Problem]:
    targets = [target for _, target in node.routes]
    for label, target in node.routes:
        if target not in (CONTINUE, FORK, DISCARD) and (target not in nodes or nodes[target].kind is not NodeKind.SINK):
            yield Problem(node.name, f"route `{label}` leads to `{target}`", "give continue, fork, discard or a sink")
    for word, given in ((CONTINUE, node.to), (FORK, node.fork)):
        key = "to" if word == CONTINUE else "fork"
        if (word in targets) != bool(given):
            found = (
                f"a route leads to `{word}`, but there is no `{key}`"
                if not given
                else f"`{key}`, but no route `{word}`"
            )
            yield Problem(node.name, found, "give both or neither")
    labels = [label for label, _ in (*node.routes, *node.fork)]
    for label in sorted({label for label in labels if labels.count(label) > 1}):
        yield Problem(node.name, f"`{label}` is a label twice, as a route or a branch", "labels are unique per node")


def _coalesce_problems(node: Node, nodes: Mapping[str, Node]) -> Iterator[Problem]:
    n = len(node.branches)
    if n < 2 or len(set(node.branches)) != n:
        yield Problem(node.name, f"branches {', '.join(node.branches) or 'none'}", "give two or more, each once")
    if (node.policy is Policy.QUORUM) != (node.quorum_count is not None):
        yield Problem(
            node.name, f"policy {node.policy}, quorum_count {node.quorum_count}", "quorum and count go together"
        )
    elif node.quorum_count is not None and not 1 <= node.quorum_count <= n:
        yield Problem(node.name, f"quorum_count {node.quorum_count} of {n} branches", f"give 1 to {n}")
    if node.policy is Policy.BEST_EFFORT and node.timeout_seconds is None:
        yield Problem(node.name, "best_effort without a timeout", "give timeout_seconds")
    if (node.merge is Strategy.SELECT) != (node.select_branch is not None):
        yield Problem(
            node.name, f"merge {node.merge}, select_branch {node.select_branch}", "select and branch go together"
        )
    elif node.select_branch is not None and node.select_branch not in node.branches:
        yield Problem(node.name, f"select_branch {node.select_branch}", f"give one of {', '.join(node.branches)}")
    if node.merge is not Strategy.UNION and node.collisions is not Collisions.LAST_WINS:
        yield Problem(node.name, f"merge {node.merge} with collisions {node.collisions}", "collisions are union's")


def _warnings(nodes: tuple[Node, ...]) -> Iterator[str]:
    for node in nodes:
        if node.merge is not Strategy.SELECT:
            continue
        if node.policy is Policy.FIRST:
            yield f"{node.name}: `select` with `first` fails whenever another branch than the selected comes first"
        if node.quorum_count is not None and node.quorum_count < len(node.branches):
            yield f"{node.name}: `select` with a quorum below n fails whenever the quorum is met without that branch"


# --------------------------------------------------------------------------------------------------- the graph


class _Graph:
    """The graph as a whole: order, reachability, joins and static stacks, with what is wrong with each."""

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self.nodes = nodes
        self.out: dict[str, tuple[Edge, ...]] = {name: edges_of(node) for name, node in nodes.items()}
        self.edges = {(edge.src, edge.label): edge.dst for edges in self.out.values() for edge in edges}
        self.order, self.cycle = self._sort()
        self.reach: dict[str, frozenset[str]] = {}
        self.joined: dict[tuple[str, str], str] = {}
        self.stacks: dict[str, Stack] = {}
        self.beneath: dict[str, Stack] = {}
        for name in reversed(self.order):
            ahead = [edge.dst for edge in self.out[name]]
            self.reach[name] = frozenset(ahead).union(*(self.reach[dst] for dst in ahead if dst in self.reach))

    def _sort(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Nodes in topological order, the declared order among equals; and the nodes on or behind a cycle, if any."""
        waiting = dict.fromkeys(self.nodes, 0)
        for dst in self.edges.values():
            waiting[dst] += 1
        order: list[str] = []
        while free := next((name for name, count in waiting.items() if count == 0), None):
            order.append(free)
            del waiting[free]
            for edge in self.out[free]:
                waiting[edge.dst] -= 1
        return tuple(order), tuple(waiting)

    def shape_problems(self) -> Iterator[Problem]:
        if self.cycle:
            yield Problem(", ".join(self.cycle), "on or behind a cycle", "the graph is acyclic")
            return
        source = next(name for name, node in self.nodes.items() if node.kind is NodeKind.SOURCE)
        for name in self.nodes:
            if name != source and name not in self.reach[source]:
                yield Problem(name, "cannot be reached from the source", "lead an edge to it or remove it")

    def _joins(self) -> dict[str, frozenset[str]]:
        """For every node, the coalesces that can pop the frame on top of a token that enters it. From the end backwards."""
        joins: dict[str, frozenset[str]] = {}
        for name in reversed(self.order):
            node = self.nodes[name]
            if node.kind is NodeKind.COALESCE:
                joins[name] = frozenset({name})
                continue
            found = joins[node.to] if node.to is not None else frozenset()
            for _, dst in node.fork:
                for inner in joins[dst]:
                    found |= joins[str(self.nodes[inner].to)]
            joins[name] = found
        return joins

    def frame_problems(self) -> Iterator[Problem]:
        """Find the joins and the static stacks, and report where there are none."""
        joins = self._joins()
        for name, node in self.nodes.items():
            for branch, dst in node.fork:
                if len(joins[dst]) > 1:
                    found = f"branch `{branch}` leads to coalesces {', '.join(sorted(joins[dst]))}"
                    yield Problem(name, found, "each branch leads to one coalesce, or to sinks")
                elif joins[dst]:
                    (self.joined[name, branch],) = joins[dst]
        yield from self._stack_problems(joins)
        yield from self._fork_problems()

    def _stack_problems(self, joins: Mapping[str, frozenset[str]]) -> Iterator[Problem]:
        into: dict[str, dict[Edge, Stack]] = {name: {} for name in self.nodes}
        for name in self.order:
            node = self.nodes[name]
            arriving = into[name]
            if node.kind is NodeKind.SINK:
                continue
            if node.kind is NodeKind.COALESCE:
                yield from self._coalesce_stack_problems(node, arriving)
            elif len(set(arriving.values())) > 1:
                ways = "; ".join(f"{edge.src} -{edge.label}-> owes {_owed(s)}" for edge, s in arriving.items())
                yield Problem(name, f"reached with different debts: {ways}", "split the node, one for each debt")
            stack = self.stacks[name] = next(iter(arriving.values()), ())
            if stack and (node.expands or (node.kind is NodeKind.AGGREGATION and node.mode is BatchMode.TRANSFORM)):
                found = f"makes or absorbs tokens while {_owed(stack)} is owed"
                yield Problem(name, found, "move it before the fork or behind the coalesce")
            ahead = {joins[str(self.nodes[j].to)] for (gate, _), j in self.joined.items() if gate == name}
            self.beneath[name] = stack if any(ahead) else ()
            for edge in self.out[name]:
                into[edge.dst][edge] = self._carried(node, edge, stack, joins)

    def _carried(self, node: Node, edge: Edge, stack: Stack, joins: Mapping[str, frozenset[str]]) -> Stack:
        """What a token owes once it has taken this edge."""
        if edge.label in dict(node.fork):
            if (node.name, edge.label) not in self.joined:
                return ()
            return (*self.beneath[node.name], (node.name, edge.label))
        if node.kind is NodeKind.COALESCE:
            stack = stack[:-1]
        return stack if joins[edge.dst] else ()

    def _coalesce_stack_problems(self, node: Node, arriving: Mapping[Edge, Stack]) -> Iterator[Problem]:
        tops = {stack[-1] for stack in arriving.values() if stack}
        below = {stack[:-1] for stack in arriving.values()}
        if len(tops) == 0 or not all(arriving.values()) or len({gate for gate, _ in tops}) != 1 or len(below) != 1:
            ways = "; ".join(f"{edge.src} -{edge.label}-> owes {_owed(stack)}" for edge, stack in arriving.items())
            yield Problem(node.name, f"is reached by {ways or 'nothing'}", "it joins two or more branches of one fork")
        elif {branch for _, branch in tops} != set(node.branches):
            found = f"is reached by branches {', '.join(sorted(branch for _, branch in tops))}"
            yield Problem(node.name, found, f"it declares {', '.join(node.branches)}")

    def _fork_problems(self) -> Iterator[Problem]:
        for name, node in self.nodes.items():
            coalesces = sorted({self.joined[name, b] for b, _ in node.fork if (name, b) in self.joined})
            if self.stacks.get(name) and len(coalesces) > 1:
                found = f"forks to coalesces {', '.join(coalesces)} while {_owed(self.stacks[name])} is owed"
                yield Problem(name, found, "beneath an owed branch a fork has at most one coalesce")


def _owed(stack: Stack) -> str:
    return " under ".join(f"`{branch}` of {gate}" for gate, branch in reversed(stack)) or "nothing"

"""Every small pipeline: generates the graphs of inner nodes up to a size, each once, in an order that does not change.

A *graph* here is what lies between the source and the sinks: transforms, gates, coalesces, and their `continue` and fork
edges. Names and the order of branches are set aside. The *size* counts one for each node, and for a gate the number of
its branches less one, so a third branch costs as much as a node.

Theory. Nodes are added from the end: an edge leads to a sink or to a node that is there already, so the last node is the
one that the source enters. What a token *owes* at a node is then known at once, as the coalesces that it still has to
meet, the innermost first: a sink owes nothing, a coalesce owes itself and what lies behind it, a transform owes what lies
behind it, and a branch owes what its head owes. A gate owes what its branches owe without their first coalesce, which
this gate opens, and what its `continue` owes; where these differ from each other the pipeline is ill-formed, except that
an edge may always lead to a node that owes nothing, and loses the debt. A coalesce belongs to one gate: once a gate has
opened it, no further edge may lead between the two. So an ill-formed graph is left off as soon as its first contradiction
is there. Example of size 4: `g1: fork -> g2, j3; g2: fork -> j4, j4; j4 -> j3; j3 -> out` is added as j3, j4, g2, g1, and
owes j3; j4 j3; j3; nothing.

A graph is *irreducible* if no node of it is there in vain:

1. each gate forks;
2. at most one node is *idle*: it owes nothing, is no coalesce, and is no gate with a branch that is joined. That node is
   a transform before a sink, and some edge into it loses a debt or is a branch that is not joined;
3. no transform leads to a transform or a gate that only it enters.

The class leaves out: aggregations, expansions, gates without a fork, and several transforms in a row (a transform stands for
each of them); routes to several sinks; a source or a sink with an edge for errors; attempts. Not here: what is derived
for the machines (`wellformed.py`), which is compared with this in the tests; and the scopes (`scopes.py`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import combinations_with_replacement, permutations, product
from typing import Final, NamedTuple

from ..words import DISCARD, NodeKind
from .shapes import NAMES, Document, coalesce, pipeline, sink, source

NOWHERE: Final = -2
"""A gate without `continue`."""
SINK: Final = -1


class Inner(NamedTuple):
    """One node: where its `continue` leads, and the heads of its branches in ascending order; nodes are numbers."""

    kind: NodeKind
    to: int
    heads: tuple[int, ...] = ()

    @property
    def ahead(self) -> tuple[int, ...]:
        """The nodes that its edges lead to, without sinks."""
        return tuple(head for head in (self.to, *self.heads) if head >= 0)


Graph = tuple[Inner, ...]
"""Each edge leads to a smaller number; the source enters the last node."""
Owed = tuple[int, ...]
"""The coalesces that a token still has to meet, the innermost first."""


def size_of(node: Inner) -> int:
    return max(1, len(node.heads) - 1)


# ----------------------------------------------------------------------------------------------------- the generators


@cache
def irreducible(size: int) -> tuple[Graph, ...]:
    """Every irreducible well-formed graph of this size."""
    return in_order(graph for graph in grow((), size, _may_be_irreducible) if is_irreducible(graph))


def grow(graph: Graph, size: int, keep: Callable[[Graph], bool]) -> Iterator[Graph]:
    """Add nodes of this size in every way. A graph that `keep` refuses is left off with all that could be made of it.

    Of two nodes that follow each other, and of which the second has no edge to the first, only one order is taken.
    """
    waiting = len(graph) - len({head for node in graph for head in node.ahead})
    if size == 0:
        if waiting == 1:
            yield graph
        return
    if waiting - 2 * size > 1:
        return  # a node of size n enters at most n + 2 others, and is one more that must be entered
    for node in _nodes(len(graph), size):
        if graph and len(graph) - 1 not in node.ahead and node < graph[-1]:
            continue
        grown = (*graph, node)
        if keep(grown):
            yield from grow(grown, size - size_of(node), keep)


@cache
def _nodes(number: int, size: int) -> tuple[Inner, ...]:
    """Every node that can be added as this number, of at most this size."""
    ends = range(SINK, number)
    plain = [Inner(kind, to) for kind in (NodeKind.TRANSFORM, NodeKind.COALESCE) for to in ends]
    plain += [Inner(NodeKind.GATE, to) for to in (NOWHERE, *ends)]
    forks = (heads for width in range(2, size + 2) for heads in combinations_with_replacement(ends, width))
    return (*plain, *(Inner(NodeKind.GATE, to, heads) for heads in forks for to in (NOWHERE, *ends)))


def in_order(graphs: Iterable[Graph]) -> tuple[Graph, ...]:
    """Each graph once, in its canonical form, in an order that depends on nothing else."""
    return tuple(sorted({canonical(graph) for graph in graphs}))


def canonical(graph: Graph) -> Graph:
    """The same graph for all graphs that differ only in numbers and in the order of branches.

    With the order of branches fixed, a walk from the source numbers each node in one way; the least of all is taken.
    """
    orders = product(*(tuple(set(permutations(node.heads))) for node in graph))
    return min(_numbered(graph, order) for order in orders)


def _numbered(graph: Graph, order: Sequence[tuple[int, ...]]) -> Graph:
    numbers = {SINK: SINK, NOWHERE: NOWHERE}
    made: list[Inner] = []

    def walk(place: int) -> None:
        if place not in numbers:
            node = graph[place]
            for head in (node.to, *order[place]):
                walk(head)
            heads = tuple(sorted(numbers[head] for head in node.heads))
            numbers[place] = len(made)
            made.append(Inner(node.kind, numbers[node.to], heads))

    walk(len(graph) - 1)
    return tuple(made)


# ----------------------------------------------------------------------------------------- well-formed, irreducible


def debts(graph: Graph) -> tuple[Owed, ...] | None:
    """What is owed at each node. None if the graph is ill-formed, and so is each graph that nodes are added to it."""
    owed: list[Owed] = []
    opened: set[int] = set()
    for place, node in enumerate(graph):
        here = _owed_at(graph, owed, opened, place)
        if here is None:
            return None
        owed.append(here)
        opened |= {owed[head][0] for head in node.heads if head >= 0 and owed[head]}
    return None if _is_left_open(graph, owed, opened) else tuple(owed)


def _owed_at(graph: Graph, owed: Sequence[Owed], opened: set[int], place: int) -> Owed | None:
    node = graph[place]
    if any(set(owed[head]) & opened for head in node.ahead):
        return None  # it leads between a coalesce and the gate that opened it
    ahead = owed[node.to] if node.to >= 0 else ()
    if node.kind is NodeKind.COALESCE:
        return (place, *ahead)
    joined = [owed[head] for head in node.heads if head >= 0 and owed[head]]
    inner = [debt[0] for debt in joined]
    if any(inner.count(one) < 2 for one in inner) or not _branches_are_apart(graph, owed, node):
        return None
    kept = {debt[1:] for debt in joined if debt[1:]} | ({ahead} if ahead else set())
    if len(kept) > 1 or (kept and len(set(inner)) > 1):
        return None
    return next(iter(kept), ())


def _branches_are_apart(graph: Graph, owed: Sequence[Owed], gate: Inner) -> bool:
    """Whether no node between the gate and a coalesce that it opens lies on two branches: it could owe either."""
    heads = [head for head in gate.heads if head >= 0 and owed[head]]
    seen: set[int] = set()
    for head in heads:
        joined = owed[head][0]
        branch, waiting = set[int](), [head]
        while waiting:
            here = waiting.pop()
            if here not in branch and here != joined and joined in owed[here]:
                branch.add(here)
                waiting += graph[here].ahead
        if branch & seen:
            return False
        seen |= branch
    return True


def _is_left_open(graph: Graph, owed: Sequence[Owed], opened: set[int]) -> bool:
    """Whether a node between a coalesce and the gate that opened it has no edge into it: none can come any more."""
    entered = {head for node in graph for head in node.ahead}
    return any(set(owed[place]) & opened for place in range(len(graph)) if place not in entered)


def is_well_formed(graph: Graph) -> bool:
    """Whether a whole graph is well-formed: nothing is owed where the source enters it."""
    owed = debts(graph)
    return owed is not None and owed[-1] == ()


def _idle(graph: Graph, owed: Sequence[Owed]) -> list[int]:
    """The nodes that could be taken out and nothing would be owed, joined or lost otherwise."""
    return [
        place
        for place, node in enumerate(graph)
        if not owed[place]
        and node.kind is not NodeKind.COALESCE
        and not any(owed[head] for head in node.heads if head >= 0)
    ]


def _may_be_irreducible(graph: Graph) -> bool:
    """Whether nodes can be added to a graph so that an irreducible one is made of it."""
    owed = debts(graph)
    if owed is None or any(node.kind is NodeKind.GATE and not node.heads for node in graph[-1:]):
        return False
    idle = _idle(graph, owed)
    return len(idle) < 2 and all(graph[place] == Inner(NodeKind.TRANSFORM, SINK) for place in idle)


def is_irreducible(graph: Graph) -> bool:
    """Whether a whole graph is well-formed and irreducible, as defined at the top."""
    owed = debts(graph)
    if not is_well_formed(graph) or owed is None:
        return False
    into = [head for node in graph for head in node.ahead]
    in_a_row = any(
        node.kind is NodeKind.TRANSFORM
        and node.to >= 0
        and graph[node.to].kind is not NodeKind.COALESCE
        and into.count(node.to) == 1
        for node in graph
    )
    forks = all(node.heads for node in graph if node.kind is NodeKind.GATE)
    idle = _idle(graph, owed)
    exits = all(graph[place] == Inner(NodeKind.TRANSFORM, SINK) and _is_exit(graph, owed, place) for place in idle)
    return forks and not in_a_row and len(idle) < 2 and exits


def _is_exit(graph: Graph, owed: Sequence[Owed], place: int) -> bool:
    """Whether an edge into this node, which owes nothing, is a branch that is not joined or loses a debt of a gate."""
    return any(
        place in node.heads or (node.kind is NodeKind.GATE and node.to == place and owed[number])
        for number, node in enumerate(graph)
    )


# ------------------------------------------------------------------------------------------------------- the documents


def document(graph: Graph, policy: str = "require_all", merge: str = "union") -> Document:
    """A graph as a pipeline. Each transform and each gate also has an edge for errors, and each gate every kind of route."""
    joins = _joins(graph)
    names = [f"{_LETTER[node.kind]}{len(graph) - place}" for place, node in enumerate(graph)]

    def name(place: int) -> str:
        return names[place] if place >= 0 else "out"

    def made(place: int, node: Inner) -> Document:
        if node.kind is NodeKind.COALESCE:
            branches = sorted(
                {
                    NAMES[at]
                    for gate in graph
                    for at, head in enumerate(gate.heads)
                    if head >= 0 and place in joins[head]
                }
            )
            return coalesce(names[place], branches, name(node.to), policy, merge)
        if node.kind is NodeKind.TRANSFORM:
            return {"name": names[place], "kind": "transform", "to": name(node.to), "on_error": "side"}
        routes = {"away": "side", "no": DISCARD}
        more: Document = {}
        if node.to != NOWHERE:
            routes, more = {"on": "continue", **routes}, {"to": name(node.to)}
        if node.heads:
            routes = {"all": "fork", **routes}
            more["fork"] = {NAMES[at]: name(head) for at, head in enumerate(node.heads)}
        return {"name": names[place], "kind": "gate", "routes": routes, **more, "on_error": "side"}

    inner = [made(place, node) for place, node in reversed(tuple(enumerate(graph)))]
    reached = {"out": any(SINK in (node.to, *node.heads) for node in graph)}
    reached["side"] = any(node.kind is not NodeKind.COALESCE for node in graph)
    return pipeline("generated", source(name(len(graph) - 1)), *inner, *(sink(end) for end in reached if reached[end]))


_LETTER: Final = {NodeKind.TRANSFORM: "t", NodeKind.GATE: "g", NodeKind.COALESCE: "j"}


def _joins(graph: Graph) -> list[set[int]]:
    """For each node the coalesces that a token which enters it can meet first, behind each inner fork and its coalesce."""
    joins: list[set[int]] = []
    for place, node in enumerate(graph):
        found = set(joins[node.to]) if node.to >= 0 else set()
        for inner in (one for head in node.heads if head >= 0 for one in joins[head]):
            found |= joins[graph[inner].to] if graph[inner].to >= 0 else set()
        joins.append({place} if node.kind is NodeKind.COALESCE else found)
    return joins

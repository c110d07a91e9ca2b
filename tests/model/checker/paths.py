"""A second derivation of what `wellformed.py` derives from a graph: by listing every path. Not a test.

A path begins at the source and ends at a sink. A fork edge opens a bracket (gate, branch), and a coalesce closes the one
opened last. Everything else follows by definition:

- a branch is *joined* at the coalesce that closes its bracket on some path;
- at a place of a path, the open brackets that are closed on some way on from there are *owed*;
- an edge *loses* what is owed if nothing is owed behind it;
- a node is *reached* from another that stands before it on some path.

A graph is accepted if no coalesce is met without an open bracket, each bracket is closed by one coalesce, and what is owed is
the same on every path to a node. It takes time that is exponential in the number of nodes; nothing of `wellformed.py` is
used but the nodes and their edges as they were read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from fateline_model.pipeline import Edge, Node, edges_of
from fateline_model.words import BatchMode, NodeKind

Bracket = tuple[str, str]
Place = tuple[str, tuple[Bracket, ...]]
"""A node, and the brackets that are open where a path comes to it."""
Owed = tuple[Bracket, ...]


@dataclass
class Paths:
    """Every path of a graph without cycles, and what follows from them."""

    nodes: dict[str, Node]
    places: dict[Place, set[Bracket]] = field(default_factory=dict)
    """Each place that a path comes to, with the brackets that are closed there or on some way on."""
    taken: dict[tuple[str, str], set[tuple[Place, Place]]] = field(default_factory=dict)
    """Each edge by its source and label, with the places at both of its ends."""
    closed_by: dict[Bracket, set[str]] = field(default_factory=dict)
    before: set[tuple[str, str]] = field(default_factory=set)
    nothing_open: set[str] = field(default_factory=set)
    """The coalesces that some path meets without an open bracket."""

    def owed(self, place: Place) -> Owed:
        return tuple(bracket for bracket in place[1] if bracket in self.places[place])

    def stacks(self, name: str) -> set[Owed]:
        """What is owed at a node, for each way to it."""
        return {self.owed(place) for place in self.places if place[0] == name}

    def loses(self, src: str, label: str) -> set[bool]:
        """Whether nothing is owed behind an edge, for each way to it."""
        return {not self.owed(head) for _, head in self.taken[src, label]}

    def beneath(self, gate: str) -> set[Owed]:
        """What is owed beneath the joined branches of a gate, for each way to it and each branch."""
        heads = [
            self.owed(head) for branch, _ in self.nodes[gate].fork for _, head in self.taken.get((gate, branch), ())
        ]
        return {owed[:-1] for owed in heads if owed and owed[-1][0] == gate}


def every_path(nodes: Sequence[Node]) -> Paths:
    """Follow every path, one after another."""
    paths = Paths({node.name: node for node in nodes})
    source = next(node.name for node in nodes if node.kind is NodeKind.SOURCE)
    _follow(paths, [], (source, ()), ())
    return paths


def _follow(paths: Paths, behind: list[Place], here: Place, closed: tuple[tuple[Bracket, int], ...]) -> None:
    """Go on from a place. `closed` has the brackets closed so far, each with the number of places before it was closed."""
    name, opened = here
    node = paths.nodes[name]
    behind = [*behind, here]
    paths.places.setdefault(here, set())
    if node.kind is NodeKind.COALESCE:
        if not opened:
            paths.nothing_open.add(name)
            return
        paths.closed_by.setdefault(opened[-1], set()).add(name)
        closed = (*closed, (opened[-1], len(behind)))
        opened = opened[:-1]
    edges = edges_of(node)
    for edge in edges:
        inner = (*opened, (name, edge.label)) if edge.label in dict(node.fork) else opened
        ahead = (edge.dst, inner)
        paths.taken.setdefault((name, edge.label), set()).add((here, ahead))
        _follow(paths, behind, ahead, closed)
    if not edges:
        for bracket, number in closed:
            for place in behind[:number]:
                paths.places[place].add(bracket)
        paths.before |= {(src[0], dst[0]) for at, src in enumerate(behind) for dst in behind[at:]}


def is_accepted(paths: Paths) -> bool:
    """Whether the graph is well-formed, for nodes that are well-formed one by one and a graph without cycles."""
    return (
        not paths.nothing_open
        and {place[0] for place in paths.places} == set(paths.nodes)
        and all(len(coalesces) == 1 for coalesces in paths.closed_by.values())
        and all(_fits(paths, node) for node in paths.nodes.values())
    )


def _fits(paths: Paths, node: Node) -> bool:
    stacks = paths.stacks(node.name)
    if node.kind is NodeKind.SINK:
        return True
    if node.kind is NodeKind.COALESCE:
        tops = {stack[-1] for stack in stacks}
        one_fork = len({gate for gate, _ in tops}) == 1 and len({stack[:-1] for stack in stacks}) == 1
        return one_fork and {branch for _, branch in tops} == set(node.branches)
    (*others, stack) = stacks
    creates = node.expands or (node.kind is NodeKind.AGGREGATION and node.mode is BatchMode.TRANSFORM)
    coalesces = {to for (gate, _), closing in paths.closed_by.items() if gate == node.name for to in closing}
    return not others and not (stack and (creates or len(coalesces) > 1))


def edges(paths: Paths) -> list[Edge]:
    return [edge for node in paths.nodes.values() for edge in edges_of(node)]

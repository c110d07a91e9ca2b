"""The graph as numbered places and edges, so that a step looks nothing up by name.

What it is: one ``NodeRef`` a node and one ``EdgeRef`` an edge of the ``ExecutionGraph``, each with the number that the
landscape gives it, and with the graph's answers (does this edge lose a debt? what outcome has who is written at its
end?) worked out beforehand.

What it is not: another description of the route. It is made from the graph alone, and has nothing that the graph has
not.
"""

from collections.abc import Mapping

from fateline_engine.graph import ExecutionGraph
from fateline_engine.settings import CONTINUE, DISCARD, ON_ERROR, GateNode, Node, NodeKind
from fateline_engine.words import LossReason, Outcome


class EdgeRef:
    """An edge. ``via`` is the outcome of a token that a sink at its head writes; ``loses`` whether a debt is lost."""

    __slots__ = ("head", "label", "loses", "loss", "number", "src", "via")

    def __init__(self, number: int, src: "NodeRef", label: str, head: "NodeRef", via: Outcome, loses: bool) -> None:
        self.number = number
        self.src = src
        self.label = label
        self.head = head
        self.via = via
        self.loses = loses
        self.loss = LossReason.DIVERTED if via is Outcome.DIVERTED else LossReason.ROUTED


class NodeRef:
    """A node. ``edges`` by label; ``joins`` takes a joined branch of a gate to its coalesce."""

    __slots__ = ("edges", "joins", "keeps_debt", "kind", "name", "number", "rank", "settings")

    def __init__(self, number: int, settings: Node, rank: int) -> None:
        self.number = number
        self.name = settings.name
        self.settings = settings
        self.kind = settings.kind
        self.rank = rank
        self.edges: dict[str, EdgeRef] = {}
        self.joins: dict[str, str] = {}
        self.keeps_debt = True
        """A gate: whether its fork hands the debt beneath to a barrier."""

    @property
    def on_error(self) -> EdgeRef | None:
        return self.edges.get(ON_ERROR)

    @property
    def discards_errors(self) -> bool:
        return getattr(self.settings, "on_error", None) == DISCARD


class CompiledGraph:
    """All places and ways of one graph."""

    def __init__(self, graph: ExecutionGraph) -> None:
        self.graph = graph
        self.nodes: Mapping[str, NodeRef] = {
            name: NodeRef(number, graph.node(name), graph.rank(name)) for number, name in enumerate(graph.declared)
        }
        self.by_number: tuple[NodeRef, ...] = tuple(self.nodes.values())
        edges = []
        for number, declared in enumerate(graph.edges):
            src, head = self.nodes[declared.src], self.nodes[declared.dst]
            edge = EdgeRef(
                number,
                src,
                declared.label,
                head,
                _via(src.settings, declared.label),
                _loses(graph, declared.src, declared.label),
            )
            src.edges[declared.label] = edge
            edges.append(edge)
        self.edges: tuple[EdgeRef, ...] = tuple(edges)
        for node in self.by_number:
            if node.kind is NodeKind.GATE:
                gate = graph.gate(node.name)
                joins = {branch: graph.coalesce_of(node.name, branch) for branch in gate.fork}
                node.joins = {branch: coalesce for branch, coalesce in joins.items() if coalesce is not None}
                node.keeps_debt = graph.lost_at_fork(node.name) is None
        self.source = self.nodes[graph.source.name]

    def __getitem__(self, name: str) -> NodeRef:
        return self.nodes[name]

    def of_kind(self, kind: NodeKind) -> tuple[NodeRef, ...]:
        """In topological order, which is the order of flushes."""
        return tuple(sorted((p for p in self.by_number if p.kind is kind), key=lambda node: node.rank))


def _via(src: Node, label: str) -> Outcome:
    if label == ON_ERROR:
        return Outcome.QUARANTINED if src.kind is NodeKind.SOURCE else Outcome.DIVERTED
    if label == CONTINUE or (isinstance(src, GateNode) and label in src.fork):
        return Outcome.COMPLETED
    return Outcome.ROUTED


def _loses(graph: ExecutionGraph, src: str, label: str) -> bool:
    node = graph.node(src)
    if isinstance(node, GateNode) and label in node.fork:
        return False  # a fork hands its debt to a barrier, or loses it at the fork
    return graph.lost_along(src, label) is not None

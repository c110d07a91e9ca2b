"""The graph with numbered nodes and edges, so that a step looks nothing up by name.

There is one `NodeRef` for each node and one `EdgeRef` for each edge of the `ExecutionGraph`, each with the number that it
has in the landscape, and with answers that were computed once: does a token lose its debt on this edge? Which outcome does
a token get if a sink at the end of this edge writes it? Not here: any rule of the graph (`graph.py`, `topology.py`).
"""

from collections.abc import Mapping

from fateline_engine.graph import ExecutionGraph
from fateline_engine.settings import CONTINUE, DISCARD, ON_ERROR, GateNode, Node, NodeKind
from fateline_engine.words import LossReason, Outcome


class EdgeRef:
    """An edge. `via` is the outcome of a token that a sink at its end writes; `loses` says whether a debt is lost on it."""

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
    """A node. `edges` has its edges by label; `joins` gives the coalesce of each joined branch of a gate."""

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
        """For a gate: whether its fork passes the debt beneath on to a barrier."""

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
        """The nodes of this kind in topological order, which is the order of flushes."""
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

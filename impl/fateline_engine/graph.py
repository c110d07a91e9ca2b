"""`ExecutionGraph`: the pipeline as the engine walks it.

The graph is the program: a token moves along declared edges only, and nothing else describes the route.
Here are the answers to everything an engine asks of it, computed once at build:

* where an edge leads: `edge(src, label)`, `target(src, label)`, `edges_from(src)`;
* in which order things are taken: `nodes` (topological, declared among equals) and `rank(node)`;
* what a token owes: `stack(node)`, `coalesce_of(gate, branch)`, `joined(gate)`;
* when a debt is lost: `debt_at`, `lost_along`, `lost_at_fork`;
* what could still come: `reaches(a, b)`.

Not here: the rules for pipelines (`topology.py`), and any state of a run.
"""

import json
from functools import cached_property
from typing import NamedTuple, TypeVar

from fateline_engine.settings import (
    AggregationNode,
    CoalesceNode,
    Edge,
    GateNode,
    Node,
    Pipeline,
    Problem,
    SinkNode,
    SourceNode,
    TransformNode,
    config_of,
)
from fateline_engine.topology import EMPTY, Frame, Stack, Topology, edge_stack, index_edges, stack_beneath, survey, warn

__all__ = ["EMPTY", "ExecutionGraph", "Frame", "Stack"]

_Kind = TypeVar("_Kind", bound=Node)


class Texts(NamedTuple):
    """The pipeline in its canonical form, its digest, and the settings of each node as JSON."""

    canonical: str
    digest: str
    configs: dict[str, str]


class ExecutionGraph:
    """A pipeline whose shape is valid. Make one with `build`.

    >>> graph = ExecutionGraph.build(load_pipeline("enrich.yaml"))   # doctest: +SKIP
    >>> graph.target("split", "fast")                                # doctest: +SKIP
    'score'
    """

    def __init__(self, known: Topology) -> None:
        known.complaints.settle()
        self._known = known
        self._edges = index_edges(known.edges)
        self._rank = {name: index for index, name in enumerate(known.order)}
        self._forks = {coalesce: frame.gate for frame, coalesce in known.joins.items()}
        self.pipeline: Pipeline = known.pipeline
        self.nodes: tuple[str, ...] = known.order
        """Names, in topological order and in declared order among those that may come in any."""
        self.declared: tuple[str, ...] = tuple(known.nodes)
        """Names in declared order."""
        self.edges: tuple[Edge, ...] = tuple(known.edges)
        """In declared order."""
        self.warnings: tuple[Problem, ...] = tuple(warn(known))
        """What is legal and probably not intended."""

    @classmethod
    def build(cls, pipeline: Pipeline) -> "ExecutionGraph":
        """The graph of `pipeline`; `SettingsError` names the nodes of everything that is wrong with its shape."""
        return cls(survey(pipeline))

    # Nodes

    def node(self, name: str) -> Node:
        return self._known.nodes[name]

    def gate(self, name: str) -> GateNode:
        return self._a(GateNode, name)

    def coalesce(self, name: str) -> CoalesceNode:
        return self._a(CoalesceNode, name)

    def aggregation(self, name: str) -> AggregationNode:
        return self._a(AggregationNode, name)

    def transform(self, name: str) -> TransformNode:
        return self._a(TransformNode, name)

    def sink(self, name: str) -> SinkNode:
        return self._a(SinkNode, name)

    def _a(self, kind: type[_Kind], name: str) -> _Kind:
        node = self._known.nodes[name]
        if not isinstance(node, kind):
            raise TypeError(f"{name} is a {node.kind}, not what was asked for")
        return node

    @cached_property
    def source(self) -> SourceNode:
        """The one source."""
        return next(node for node in self.pipeline.nodes if isinstance(node, SourceNode))

    @cached_property
    def texts(self) -> Texts:
        """The texts that every run of this graph writes; they are the same for all runs."""
        configs = {name: json.dumps(config_of(self.node(name)), default=list) for name in self.declared}
        return Texts(self.pipeline.canonical(), self.pipeline.digest(), configs)

    def rank(self, node: str) -> int:
        """Its position in `nodes`: the order in which barriers and batches are flushed."""
        return self._rank[node]

    # Edges

    def edge(self, src: str, label: str) -> Edge:
        """The edge that leaves `src` by `label`; `KeyError` if none is declared."""
        try:
            return self._edges[src][label]
        except KeyError:
            raise KeyError(f"no edge {label} leaves {src}") from None

    def target(self, src: str, label: str) -> str:
        """The node at its head."""
        return self.edge(src, label).dst

    def edges_from(self, src: str) -> tuple[Edge, ...]:
        """In declared order: `continue`, routes to sinks, branches, `on_error`."""
        return tuple(self._edges.get(src, {}).values())

    def reaches(self, a: str, b: str) -> bool:
        """Whether a path, perhaps empty, leads from `a` to `b`."""
        return b in self._known.reach[a]

    # Debts

    def stack(self, node: str) -> Stack:
        """The frames that a token owes at `node`, the innermost last.

        For a coalesce: the stack that it puts out; an arriving token carries one frame more. For a sink: empty,
        since edges into sinks are free and nothing is owed there.
        """
        return self._known.stacks.get(node, EMPTY)

    def coalesce_of(self, gate: str, branch: str) -> str | None:
        """The coalesce that joins `branch` of `gate`; `None` if none does."""
        return self._known.joins.get(Frame(gate, branch))

    def fork_of(self, coalesce: str) -> str:
        """The gate whose branches `coalesce` joins."""
        return self._forks[coalesce]

    def joined(self, gate: str) -> tuple[str, ...]:
        """The branches of `gate` that some coalesce joins, in declared order."""
        return tuple(branch for branch in self.gate(gate).fork if self.coalesce_of(gate, branch) is not None)

    def debt_at(self, node: str) -> Frame | None:
        """The innermost frame owed at `node`; `None` if nothing is.

        For a coalesce: the debt beneath, which its barrier holds, and which is lost when the barrier fails.
        """
        stack = self.stack(node)
        return stack[-1] if stack else None

    def lost_along(self, src: str, label: str) -> Frame | None:
        """The frame whose debt is lost by taking this edge: owed at `src`, and no path leads on from its head.

        Of an edge that is a branch ask `lost_at_fork` instead: a fork hands the debt beneath to its barrier.
        """
        return None if edge_stack(self._known, self.edge(src, label)) else self.debt_at(src)

    def lost_at_fork(self, gate: str) -> Frame | None:
        """The frame beneath `gate` that is lost when it forks: no joined branch leads on to that coalesce."""
        return None if stack_beneath(self._known, self.gate(gate)) else self.debt_at(gate)

    def __repr__(self) -> str:
        return f"<ExecutionGraph {self.pipeline.name}: {len(self.nodes)} nodes, {len(self.edges)} edges>"

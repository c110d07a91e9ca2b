"""What a pipeline is made of: one frozen class for each kind of node, and the words that keys may have as values.

Plain data, as `specs/pipeline.md` lists it, and what only an engine needs: `plugin` and `options` where a node does work, and
`when` where a gate decides. These three may be absent, because a script may give the verdicts. Not here: validation.
`reader.py` checks values and references between nodes, `topology.py` checks the shape.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import ClassVar, Final, NamedTuple

NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
"""What the name of a node, branch or label looks like, from its first character to its last."""

CONTINUE: Final = "continue"
FORK: Final = "fork"
DISCARD: Final = "discard"
ON_ERROR: Final = "on_error"
RESERVED: Final = frozenset({CONTINUE, FORK, DISCARD, ON_ERROR})
"""Words that edges and routes use, so no node, branch or label may have them as a name."""


class NodeKind(StrEnum):
    SOURCE = "source"
    TRANSFORM = "transform"
    GATE = "gate"
    COALESCE = "coalesce"
    AGGREGATION = "aggregation"
    SINK = "sink"


class Policy(StrEnum):
    """When a coalesce merges."""

    REQUIRE_ALL = "require_all"
    QUORUM = "quorum"
    BEST_EFFORT = "best_effort"
    FIRST = "first"


class Merge(StrEnum):
    """How a coalesce merges the data."""

    UNION = "union"
    NESTED = "nested"
    SELECT = "select"


class Collisions(StrEnum):
    """What a union does where two branches give one field different values."""

    LAST_WINS = "last_wins"
    FIRST_WINS = "first_wins"
    FAIL = "fail"


class BatchMode(StrEnum):
    """Whether the members of a batch go on as themselves, or new tokens replace them."""

    PASSTHROUGH = "passthrough"
    TRANSFORM = "transform"


@dataclass(frozen=True, slots=True)
class Edge:
    """One declared edge. Labels are unique among the edges that leave one node."""

    src: str
    label: str
    dst: str


def _milliseconds(seconds: float | None) -> int | None:
    """Whole milliseconds, at least one: the engine has no finer time."""
    return None if seconds is None else max(1, round(seconds * 1000))


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceNode:
    kind: ClassVar[NodeKind] = NodeKind.SOURCE
    name: str
    to: str
    on_error: str | None = None
    plugin: str | None = None
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformNode:
    kind: ClassVar[NodeKind] = NodeKind.TRANSFORM
    name: str
    to: str
    on_error: str | None = None
    attempts: int = 1
    expands: bool = False
    plugin: str | None = None
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateNode:
    """`routes` takes a label to `continue`, `fork`, `discard` or a sink; `fork` a branch to a node."""

    kind: ClassVar[NodeKind] = NodeKind.GATE
    name: str
    to: str | None = None
    on_error: str | None = None
    routes: Mapping[str, str]
    fork: Mapping[str, str] = field(default_factory=dict)
    when: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CoalesceNode:
    kind: ClassVar[NodeKind] = NodeKind.COALESCE
    name: str
    to: str
    branches: tuple[str, ...]
    policy: Policy = Policy.REQUIRE_ALL
    quorum_count: int | None = None
    timeout_seconds: float | None = None
    merge: Merge = Merge.UNION
    select_branch: str | None = None
    collisions: Collisions = Collisions.LAST_WINS

    @property
    def timeout_ms(self) -> int | None:
        return _milliseconds(self.timeout_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregationNode:
    kind: ClassVar[NodeKind] = NodeKind.AGGREGATION
    name: str
    to: str
    mode: BatchMode = BatchMode.TRANSFORM
    count: int | None = None
    timeout_seconds: float | None = None
    condition: str | None = None
    plugin: str | None = None
    options: Mapping[str, object] = field(default_factory=dict)

    @property
    def timeout_ms(self) -> int | None:
        return _milliseconds(self.timeout_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkNode:
    kind: ClassVar[NodeKind] = NodeKind.SINK
    name: str
    on_error: str | None = None
    attempts: int = 1
    plugin: str | None = None
    options: Mapping[str, object] = field(default_factory=dict)


Node = SourceNode | TransformNode | GateNode | CoalesceNode | AggregationNode | SinkNode

Worker = SourceNode | TransformNode | AggregationNode | SinkNode
"""A node whose work is done by a plugin."""


class PluginUse(NamedTuple):
    """The plugin that a node names, with its options. It is known also where something else is wrong with the node."""

    place: int
    """The place of the node in the list."""
    node: str
    kind: NodeKind
    plugin: str | None = None
    options: Mapping[str, object] = {}
    expands: bool = False


NODE_CLASSES: Final[Mapping[NodeKind, type[Node]]] = {
    NodeKind.SOURCE: SourceNode,
    NodeKind.TRANSFORM: TransformNode,
    NodeKind.GATE: GateNode,
    NodeKind.COALESCE: CoalesceNode,
    NodeKind.AGGREGATION: AggregationNode,
    NodeKind.SINK: SinkNode,
}

_NOT_CONFIG: Final = frozenset({"name", "to", "on_error", "routes", "fork", "when", "plugin", "options"})


def out_edges(node: Node) -> Iterator[Edge]:
    """The edges that leave `node`, in declared order: `continue`, route labels, branches, `on_error`.

    A route to `continue` or `fork` has no edge of its own: the token leaves by `continue` or by a branch. A
    route to `discard`, and `on_error: discard`, have none at all.
    """
    if not isinstance(node, SinkNode) and node.to is not None:
        yield Edge(node.name, CONTINUE, node.to)
    if isinstance(node, GateNode):
        for label, target in node.routes.items():
            if target not in RESERVED:
                yield Edge(node.name, label, target)
        for branch, target in node.fork.items():
            yield Edge(node.name, branch, target)
    if not isinstance(node, CoalesceNode | AggregationNode) and node.on_error not in (None, DISCARD):
        assert node.on_error is not None
        yield Edge(node.name, ON_ERROR, node.on_error)


def config_of(node: Node) -> dict[str, object]:
    """What the trail keeps of a node in `nodes.config`: its keys of `specs/pipeline.md` that are no edges."""
    return {
        item.name: value
        for item in fields(node)
        if item.name not in _NOT_CONFIG and (value := getattr(node, item.name)) is not None
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """How the engine performs a run. No value changes what may happen, so a resumed run may use other values."""

    commit_rows: int = 100
    """The steps of how many rows one commit holds."""
    row_bytes: int = 1_048_576
    """The largest row, in bytes of JSON. A larger row is quarantined; a node that makes one fails."""
    fan_out: int = 10_000
    """The most tokens that one expansion or batch may make."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A whole pipeline, in declared order.

    `file` and `lines` say where it was read (`lines` takes `("nodes", 2, "to")` to a line), so that later
    complaints can point there too. They are not part of what the pipeline is.
    """

    name: str
    nodes: tuple[Node, ...]
    run: RunSettings = field(default_factory=RunSettings)
    file: str | None = field(default=None, compare=False)
    lines: Mapping[tuple[str | int, ...], int] = field(default_factory=dict, compare=False, repr=False)

    def plugin_uses(self) -> Iterator[PluginUse]:
        """The plugins of all nodes that have one, in declared order."""
        for place, node in enumerate(self.nodes):
            if isinstance(node, Worker):
                expands = isinstance(node, TransformNode) and node.expands
                yield PluginUse(place, node.name, node.kind, node.plugin, node.options, expands)

    def __getitem__(self, name: str) -> Node:
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    def canonical(self) -> str:
        """The pipeline as canonical JSON: defaults filled in, keys sorted, nodes in declared order.

        `run` is left out: see `RunSettings`.
        """
        nodes = [
            {"kind": node.kind, **{item.name: getattr(node, item.name) for item in fields(node)}} for node in self.nodes
        ]
        # The order of routes and branches is part of the meaning (branches are forked in declared order), and sorted
        # keys would lose it.
        for node in nodes:
            for key in ("routes", "fork"):
                if key in node:
                    node[key] = list(node[key].items())
        return json.dumps(
            {"name": self.name, "nodes": nodes}, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str
        )

    def digest(self) -> str:
        """Equal exactly when the pipelines are equal. A run is resumed on the same pipeline only."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()

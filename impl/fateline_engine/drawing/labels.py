"""The captions of nodes and edges in a picture, in a few words.

A caption distinguishes a node from others of its kind. Not here: all settings of a node.
"""

from typing import Final

from fateline_engine.settings import (
    CONTINUE,
    AggregationNode,
    CoalesceNode,
    Edge,
    GateNode,
    Merge,
    Node,
    Policy,
    TransformNode,
)

_LONGEST: Final = 34


def caption(node: Node) -> str:
    """The kind of a node, and what is particular about it."""
    match node:
        case CoalesceNode():
            policy = f"{node.quorum_count} of {len(node.branches)}" if node.policy is Policy.QUORUM else node.policy
            merge = f"select {node.select_branch}" if node.merge is Merge.SELECT else node.merge
            caption = f"coalesce: {policy}, {merge}"
        case AggregationNode():
            triggers = [f"count {node.count}"] if node.count is not None else []
            triggers += [f"{node.timeout_seconds:g} s"] if node.timeout_seconds is not None else []
            triggers += [node.condition] if node.condition is not None else []
            caption = f"batch: {' or '.join(triggers) or 'all'}"
        case GateNode():
            caption = f"gate: {node.when}" if node.when else "gate"
        case TransformNode():
            caption = node.plugin or "transform"
            caption += " (expands)" if node.expands else ""
        case _:
            caption = f"{node.kind}: {node.plugin}" if node.plugin else str(node.kind)
    return caption if len(caption) <= _LONGEST else caption[: _LONGEST - 1] + "…"


def edge_label(edge: Edge) -> str:
    """What is written beside an edge; nothing for the way that simply goes on."""
    return "" if edge.label == CONTINUE else edge.label

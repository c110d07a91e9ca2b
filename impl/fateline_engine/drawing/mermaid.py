"""A pipeline as Mermaid text, which many sites that show Markdown can draw.

Not here: positions. The program that draws the text decides about them; `svg.py` decides by itself.
"""

from collections.abc import Mapping
from typing import Final

from fateline_engine.drawing.labels import caption, edge_label
from fateline_engine.graph import ExecutionGraph
from fateline_engine.settings import ON_ERROR, NodeKind

_SHAPES: Final[Mapping[NodeKind, tuple[str, str]]] = {
    NodeKind.SOURCE: ("([", "])"),
    NodeKind.TRANSFORM: ("[", "]"),
    NodeKind.GATE: ("{{", "}}"),
    NodeKind.COALESCE: ("[\\", "/]"),
    NodeKind.AGGREGATION: ("[[", "]]"),
    NodeKind.SINK: ("[(", ")]"),
}


def mermaid(graph: ExecutionGraph) -> str:
    """The text, nodes and edges in declared order."""
    number = {name: f"n{index}" for index, name in enumerate(graph.declared)}
    lines = ["flowchart LR"]
    for name in graph.declared:
        node = graph.node(name)
        before, after = _SHAPES[node.kind]
        lines.append(f'    {number[name]}{before}"{name}<br><small>{_safe(caption(node))}</small>"{after}')
    for edge in graph.edges:
        line = "-.->" if edge.label == ON_ERROR else "-->"
        label = f'|"{edge_label(edge)}"|' if edge_label(edge) else ""
        lines.append(f"    {number[edge.src]} {line}{label} {number[edge.dst]}")
    return "\n".join([*lines, ""])


def _safe(text: str) -> str:
    return "".join(
        character if character.isalnum() or character in " .,:_-()" else _entity(character) for character in text
    )


def _entity(character: str) -> str:
    return f"#{ord(character)};"

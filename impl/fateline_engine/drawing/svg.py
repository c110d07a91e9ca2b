"""A pipeline as one SVG file that needs nothing else: no script, no font, no server.

It draws the positions that `layout.py` gives: a colour for each kind of node, the joined branches inside a coalesce, dashes for
`on_error`. It follows the reader's light or dark mode.
Each box says which node it is (`data-node`), so that a page can put tokens on it. Not here: the picture of a run.
"""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Final

from fateline_engine.drawing.labels import caption, edge_label
from fateline_engine.drawing.layout import Point, Size, lay_out
from fateline_engine.graph import ExecutionGraph
from fateline_engine.settings import ON_ERROR, NodeKind

_COLOURS: Final[Mapping[NodeKind, str]] = {
    NodeKind.SOURCE: "#2f7d4f",
    NodeKind.TRANSFORM: "#3b6ea8",
    NodeKind.GATE: "#b07d1a",
    NodeKind.COALESCE: "#7a4fa3",
    NodeKind.AGGREGATION: "#99507a",
    NodeKind.SINK: "#555d66",
}
_STYLE: Final = """\
  text { font: 12px ui-sans-serif, system-ui, sans-serif; fill: #1c2024; }
  .name { font-weight: 600; }
  .caption, .label { font-size: 10px; fill: #5a6470; }
  .box { fill: #fff; stroke-width: 1.5; }
  .edge { fill: none; stroke: #8a949e; stroke-width: 1.3; }
  .error { stroke: #c0453a; stroke-dasharray: 4 3; }
  .label { paint-order: stroke; stroke: #fff; stroke-width: 3px; }
  #tip { fill: #8a949e; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e8eaed; } .caption, .label { fill: #a8b2bd; }
    .box { fill: #1d2125; } .label { stroke: #101214; }
  }"""
_LETTER: Final = 7.2
_SMALL_LETTER: Final = 5.6
_LINE: Final = 17.0
_LONGEST: Final = 32
"""Characters of a name that are drawn; the whole name is its title."""
_CERTAIN: Final = 12
"""So long a name fits its box in any font; a longer one is given its width."""


def svg(graph: ExecutionGraph) -> str:
    """The whole file."""
    out = {name: len(graph.edges_from(name)) for name in graph.nodes}
    sizes = {name: _size(name, caption(graph.node(name)), out[name]) for name in graph.nodes}
    layout = lay_out(sizes, [(edge.src, edge.dst) for edge in graph.edges])
    title = escape(graph.pipeline.name)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {layout.size.width:.0f} {layout.size.height:.0f}" '
        f'width="{layout.size.width:.0f}" height="{layout.size.height:.0f}" role="img" aria-label="{title}">',
        f"<title>{title}</title>",
        f"<style>\n{_STYLE}\n</style>",
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path id="tip" d="M0 0 8 4 0 8z"/></marker></defs>',
    ]
    for edge, route in zip(graph.edges, layout.routes, strict=True):
        style = "edge error" if edge.label == ON_ERROR else "edge"
        lines.append(f'<path class="{style}" d="{_curve(route)}" marker-end="url(#arrow)"/>')
        if label := edge_label(edge):
            start = route[0]
            lines.append(f'<text class="label" x="{start.x + 6:.1f}" y="{start.y - 4:.1f}">{escape(label)}</text>')
    for name in graph.nodes:
        lines += _box(name, graph.node(name).kind, caption(graph.node(name)), layout.boxes[name], sizes[name])
    return "\n".join([*lines, "</svg>", ""])


def _size(name: str, caption: str, edges: int) -> Size:
    width = max(len(_drawn(name)) * _LETTER, len(caption) * _SMALL_LETTER) + 24
    return Size(width, max(42.0, _LINE * (edges + 1)))


def _drawn(name: str) -> str:
    """A name, without its middle if it is very long."""
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST * 2 // 3]}…{name[-_LONGEST // 3 + 1 :]}"


def _name(name: str, x: float, y: float) -> str:
    drawn = _drawn(name)
    width = f' textLength="{len(drawn) * _LETTER:.1f}" lengthAdjust="spacingAndGlyphs"' if len(drawn) > _CERTAIN else ""
    title = f"<title>{escape(name)}</title>" if drawn != name else ""
    return f'<text class="name" x="{x:.1f}" y="{y:.1f}"{width}>{escape(drawn)}{title}</text>'


def _curve(route: Sequence[Point]) -> str:
    """A smooth line: level where it leaves, bends and arrives."""
    path = f"M{route[0].x:.1f} {route[0].y:.1f}"
    for here, there in pairwise(route):
        half = (there.x - here.x) / 2
        path += f" C{here.x + half:.1f} {here.y:.1f} {there.x - half:.1f} {there.y:.1f} {there.x:.1f} {there.y:.1f}"
    return path


def _box(name: str, kind: NodeKind, caption: str, at: Point, size: Size) -> list[str]:
    corner = {NodeKind.SOURCE: 20, NodeKind.SINK: 2, NodeKind.GATE: 12}.get(kind, 6)
    x, middle = at.x + 12, at.y + size.height / 2
    return [
        f'<rect class="box" data-node="{escape(name)}" x="{at.x:.1f}" y="{at.y:.1f}" '
        f'width="{size.width:.1f}" height="{size.height:.1f}" rx="{corner}" stroke="{_COLOURS[kind]}"/>',
        _name(name, x, middle - 2),
        f'<text class="caption" x="{x:.1f}" y="{middle + 12:.1f}">{escape(caption)}</text>',
    ]

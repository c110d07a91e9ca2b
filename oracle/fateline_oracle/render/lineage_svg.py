"""Draws the lineage of a counterexample: tokens from left to right by generation, an edge from parent to child.

The records are plain data in the names of the law; the drawing is SVG that takes its colours from the page. Not here:
the same as text (`counterexample.lineage`).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from .html import element, escaped, short

NARROW: Final = 120
LONGEST: Final = 56
"""Characters of one text in a box; no more fit a page."""
OF_NAME, OF_FATE = 7.4, 6.1
"""The width of a character of a name, and of a fate."""
HEIGHT: Final = 44
ACROSS: Final = 56
DOWN: Final = 16
MOST: Final = 60
"""Tokens drawn; a counterexample is small, and an engine may write what it likes."""


class Box(NamedTuple):
    """One token: its place, and what became of it."""

    name: str
    column: int
    line: int
    fate: str
    concerned: bool

    @property
    def width(self) -> int:
        """What its texts need."""
        return max(NARROW, round(max(OF_NAME * len(_cut(self.name)), OF_FATE * len(_cut(self.fate)))) + 24)


def _cut(said: str) -> str:
    return said if len(said) <= LONGEST else f"{said[: LONGEST - 1]}…"


def lineage_svg(records: Iterable[Mapping[str, object]], concerned: frozenset[str]) -> str:
    """The drawing; empty if there is no token."""
    found = list(records)
    tokens = list(dict.fromkeys(str(r["token"]) for r in found if r.get("rec") == "tokens" and "token" in r))[:MOST]
    links = [(str(r.get("parent")), str(r.get("child"))) for r in found if r.get("rec") == "parents"]
    made = dict.fromkeys(
        [*(parent for parent, _ in links), *tokens]
    )  # a case of a barrier begins with tokens that exist already
    tokens = list(made)[:MOST]
    links = [(parent, child) for parent, child in dict.fromkeys(links) if {parent, child} <= set(tokens)]
    if not tokens:
        return ""
    boxes = _laid_out(tokens, links, _fates(found), concerned)
    columns = [max(box.width for box in boxes.values() if box.column == place) for place in _columns(boxes)]
    left = [sum(columns[:place]) + place * ACROSS + 1 for place in range(len(columns))]
    width = left[-1] + columns[-1] + 1
    height = max(box.line for box in boxes.values()) * (HEIGHT + DOWN) + HEIGHT + 2
    drawn = [_edge(boxes[parent], boxes[child], left, columns) for parent, child in links]
    drawn += [_box(box, left, columns) for box in boxes.values()]
    picture = element(
        "svg",
        element("title", "The lineage of the tokens") + "".join(drawn),
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        role="img",
        class_="lineage",
        style=f"--own: {width}px",
    )
    return element("div", picture, class_="scroll")


def pipeline_svg(document: object) -> str:
    """The pipeline of a case, drawn as `fateline graph` draws it; empty if there is none."""
    from fateline_engine.drawing.svg import svg
    from fateline_engine.graph import ExecutionGraph
    from fateline_engine.settings import SettingsError, read_pipeline

    if not isinstance(document, Mapping):
        return ""
    try:
        picture = svg(ExecutionGraph.build(read_pipeline(document)))
    except SettingsError:
        return ""
    drawn = picture[picture.index("<svg") :]
    own = re.search(r'width="([\d.]+)"', drawn)
    style = f"--own: {own[1]}px" if own is not None else None
    return element("div", drawn, class_="scroll pipeline", style=style)


def _fates(records: Iterable[Mapping[str, object]]) -> dict[str, str]:
    fates: dict[str, str] = {}
    for record in records:
        if record.get("rec") == "outcomes" and record.get("outcome") != "buffered":
            about = record.get("sink") or record.get("reason")
            own = f"{record.get('outcome')}{f' · {about}' if about else ''}"
            token = str(record.get("token"))
            fates[token] = f"{fates[token]} + {own}" if token in fates else own
    return fates


def _laid_out(
    tokens: list[str], links: list[tuple[str, str]], fates: Mapping[str, str], concerned: frozenset[str]
) -> dict[str, Box]:
    """Place each token one column right of its farthest parent, and within a column in the order of creation."""
    column = dict.fromkeys(tokens, 0)
    for _ in tokens:  # enough rounds for the longest line; ends also if the lineage has a cycle
        for parent, child in links:
            column[child] = max(column[child], min(column[parent] + 1, len(tokens)))
    used: dict[int, int] = {}
    boxes: dict[str, Box] = {}
    for token in tokens:
        line = used.get(column[token], 0)
        used[column[token]] = line + 1
        boxes[token] = Box(short(token), column[token], line, short(fates.get(token, "no fate")), token in concerned)
    return boxes


def _columns(boxes: Mapping[str, Box]) -> range:
    return range(max(box.column for box in boxes.values()) + 1)


def _top(box: Box) -> int:
    return box.line * (HEIGHT + DOWN) + 1


def _box(box: Box, left: list[int], columns: list[int]) -> str:
    x, y = left[box.column], _top(box)
    frame = element("rect", "", x=x, y=y, width=columns[box.column], height=HEIGHT, rx=6)
    name = element("text", escaped(_cut(box.name)), x=x + 12, y=y + 18, class_="name")
    fate = element("text", escaped(_cut(box.fate)), x=x + 12, y=y + 34)
    return element("g", frame + name + fate, class_="token concerned" if box.concerned else "token")


def _edge(parent: Box, child: Box, left: list[int], columns: list[int]) -> str:
    x, u = left[parent.column] + columns[parent.column], left[child.column]
    y, v, half = _top(parent) + HEIGHT // 2, _top(child) + HEIGHT // 2, ACROSS // 2
    return element("path", "", d=f"M {x} {y} C {x + half} {y}, {u - half} {v}, {u} {v}", class_="line")

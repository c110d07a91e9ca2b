"""A small layered layout, left to right: where the boxes of an acyclic graph go, and how its edges run.

It has the four classical steps; each is short because pipelines are small. Every node gets a layer, the longest path to it.
An edge over several layers gets a bend in each. Layers are ordered by the mean position of their neighbours, and the order
with the fewest crossings is kept. Heights follow from the same means and respect order and distance by isotonic regression.
The same graph always gives the same picture. Not here: words and SVG; this module knows sizes and numbers only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

_SWEEPS: Final = 12
_LAYER_GAP: Final = 90.0
_ROW_GAP: Final = 22.0
_BEND: Final = (0.0, 12.0)
_MARGIN: Final = 20.0


class Size(NamedTuple):
    width: float
    height: float


class Point(NamedTuple):
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything goes. A box is given by its upper left corner, an edge by the points it runs through."""

    boxes: Mapping[str, Point]
    routes: Sequence[Sequence[Point]]
    size: Size


Item = str | tuple[int, int]
"""A node, or the bend of an edge, by its number, in a layer."""


def lay_out(sizes: Mapping[str, Size], edges: Sequence[tuple[str, str]]) -> Layout:
    """The layout of the nodes in `sizes`, which come in topological order, and `edges`, in theirs."""
    layer = _layers(list(sizes), edges)
    chains = [_chain(number, src, dst, layer) for number, (src, dst) in enumerate(edges)]
    layers: list[list[Item]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for name in sizes:
        layers[layer[name]].append(name)
    for chain in chains:
        for depth, item in enumerate(chain[1:-1], layer[str(chain[0])] + 1):
            layers[depth].append(item)
    links = [(a, b) for chain in chains for a, b in pairwise(chain)]
    layers = _order(layers, links)
    height = {item: sizes[item].height if isinstance(item, str) else _BEND[1] for items in layers for item in items}
    middle = _heights(layers, links, height)
    columns: list[tuple[float, float]] = []
    width = _MARGIN
    for items in layers:
        wide = max(sizes[item].width if isinstance(item, str) else _BEND[0] for item in items)
        columns.append((width, width + wide))
        width += wide + _LAYER_GAP
    top = min((middle[item] - height[item] / 2 for item in middle), default=0.0) - _MARGIN
    boxes = {name: Point(columns[layer[name]][0], middle[name] - sizes[name].height / 2 - top) for name in sizes}
    routes = _routes(chains, boxes, sizes, columns, {item: y - top for item, y in middle.items()}, layer)
    bottom = max((middle[item] + height[item] / 2 for item in middle), default=0.0) + _MARGIN
    return Layout(boxes, routes, Size(width - _LAYER_GAP + _MARGIN, bottom - top))


def _layers(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The longest path to each node."""
    into: dict[str, list[str]] = {}
    for src, dst in edges:
        into.setdefault(dst, []).append(src)
    layer: dict[str, int] = {}
    for name in names:
        layer[name] = max((layer[src] + 1 for src in into.get(name, [])), default=0)
    return layer


def _chain(number: int, src: str, dst: str, layer: Mapping[str, int]) -> list[Item]:
    """An edge as the items it runs through."""
    return [src, *((number, depth) for depth in range(layer[src] + 1, layer[dst])), dst]


def _neighbours(links: Sequence[tuple[Item, Item]]) -> tuple[dict[Item, list[Item]], dict[Item, list[Item]]]:
    before: dict[Item, list[Item]] = {}
    after: dict[Item, list[Item]] = {}
    for a, b in links:
        after.setdefault(a, []).append(b)
        before.setdefault(b, []).append(a)
    return before, after


def _order(layers: list[list[Item]], links: Sequence[tuple[Item, Item]]) -> list[list[Item]]:
    """Sort each layer by the mean position of its neighbours, forwards and backwards in turn; keep the best order seen."""
    before, after = _neighbours(links)
    best, fewest = [list(items) for items in layers], _crossings(layers, links)
    for sweep in range(_SWEEPS):
        forwards = sweep % 2 == 0
        depths = range(1, len(layers)) if forwards else range(len(layers) - 2, -1, -1)
        for depth in depths:
            place = {item: index for index, item in enumerate(layers[depth - 1 if forwards else depth + 1])}
            near = before if forwards else after
            own = {item: float(index) for index, item in enumerate(layers[depth])}
            layers[depth].sort(key=lambda item: _mean([place[other] for other in near.get(item, [])], own[item]))
        crossings = _crossings(layers, links)
        if crossings < fewest:
            best, fewest = [list(items) for items in layers], crossings
    return best


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _crossings(layers: Sequence[Sequence[Item]], links: Sequence[tuple[Item, Item]]) -> int:
    place = {item: (depth, index) for depth, items in enumerate(layers) for index, item in enumerate(items)}
    spans = sorted((place[a][0], place[a][1], place[b][1]) for a, b in links)
    return sum(
        one[0] == other[0] and one[1] < other[1] and one[2] > other[2]
        for index, one in enumerate(spans)
        for other in spans[index + 1 :]
    )


def _heights(
    layers: Sequence[Sequence[Item]], links: Sequence[tuple[Item, Item]], height: Mapping[Item, float]
) -> dict[Item, float]:
    """The middle of each item: near the mean of its neighbours, in order, and far enough from the next."""
    before, after = _neighbours(links)
    middle: dict[Item, float] = {}
    for items in layers:
        y = 0.0
        for item in items:
            middle[item] = y + height[item] / 2
            y += height[item] + _ROW_GAP
    for sweep in range(_SWEEPS * 2):
        for items in layers if sweep % 2 == 0 else reversed(layers):
            wanted = []
            for item in items:
                near = [*before.get(item, []), *after.get(item, [])]
                wanted.append(_mean([middle[other] for other in near], middle[item]))
            gaps = [(height[a] + height[b]) / 2 + _ROW_GAP for a, b in pairwise(items)]
            middle.update(zip(items, _spread(wanted, gaps), strict=True))
    return middle


def _spread(wanted: Sequence[float], gaps: Sequence[float]) -> list[float]:
    """The places nearest to `wanted` that keep their order and `gaps`: isotonic regression, by pooling."""
    shift = [0.0]
    for gap in gaps:
        shift.append(shift[-1] + gap)
    pools: list[tuple[float, int]] = []
    for value, by in zip(wanted, shift, strict=False):
        pools.append((value - by, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (one, many), (other, more) = pools[-2], pools[-1]
            pools[-2:] = [((one * many + other * more) / (many + more), many + more)]
    flat = [value for value, many in pools for _ in range(many)]
    return [value + by for value, by in zip(flat, shift, strict=False)]


def _routes(
    chains: Sequence[Sequence[Item]],
    boxes: Mapping[str, Point],
    sizes: Mapping[str, Size],
    columns: Sequence[tuple[float, float]],
    middle: Mapping[Item, float],
    layer: Mapping[str, int],
) -> list[list[Point]]:
    """The points of each edge. Edges at one side of a box are spread over it, in the order in which they go on."""
    leaving = _ports(chains, 0, 1, boxes, sizes, middle)
    entering = _ports(chains, -1, -2, boxes, sizes, middle)
    routes = []
    for number, chain in enumerate(chains):
        src, dst = str(chain[0]), str(chain[-1])
        bends = [
            Point(x, middle[item])
            for depth, item in enumerate(chain[1:-1], layer[src] + 1)
            for x in columns[depth]  # level across the layer, so that it passes the boxes there
        ]
        start = Point(boxes[src].x + sizes[src].width, leaving[number])
        routes.append([start, *bends, Point(boxes[dst].x, entering[number])])
    return routes


def _ports(
    chains: Sequence[Sequence[Item]],
    end: int,
    beside: int,
    boxes: Mapping[str, Point],
    sizes: Mapping[str, Size],
    middle: Mapping[Item, float],
) -> dict[int, float]:
    at: dict[str, list[int]] = {}
    for number, chain in enumerate(chains):
        at.setdefault(str(chain[end]), []).append(number)
    ports: dict[int, float] = {}
    for name, numbers in at.items():
        numbers.sort(key=lambda number: (middle[chains[number][beside]], number))
        step = sizes[name].height / (len(numbers) + 1)
        for index, number in enumerate(numbers):
            ports[number] = boxes[name].y + step * (index + 1)
    return ports

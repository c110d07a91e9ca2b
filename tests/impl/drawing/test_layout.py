"""The layout: nothing overlaps, edges go forwards, and the same graph gives the same picture."""

import os
import subprocess
import sys
from itertools import combinations, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from fateline_engine.drawing.layout import Layout, Size, _crossings, _order, _spread, lay_out


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[str, Size], list[tuple[str, str]]]:
    """Acyclic graphs: edges go from lower to higher numbers, and may be there twice."""
    count = draw(st.integers(1, 9))
    names = [f"n{index}" for index in range(count)]
    sizes = {name: Size(draw(st.integers(20, 200)), draw(st.integers(20, 90))) for name in names}
    pairs = [(a, b) for index, a in enumerate(names) for b in names[index + 1 :]]
    return sizes, draw(st.lists(st.sampled_from(pairs), max_size=14)) if pairs else []


def boxes(layout: Layout, sizes: dict[str, Size]) -> dict[str, tuple[float, float, float, float]]:
    return {
        name: (at.x, at.y, at.x + sizes[name].width, at.y + sizes[name].height) for name, at in layout.boxes.items()
    }


@given(graphs())
@settings(deadline=None)
def test_boxes_lie_in_the_picture_and_never_on_each_other(graph: tuple[dict[str, Size], list[tuple[str, str]]]) -> None:
    sizes, edges = graph
    layout = lay_out(sizes, edges)
    places = boxes(layout, sizes)
    for left, top, right, bottom in places.values():
        assert 0 < left < right < layout.size.width
        assert 0 < top < bottom < layout.size.height
    for one, other in combinations(places.values(), 2):
        apart_x = one[2] <= other[0] or other[2] <= one[0]
        apart_y = one[3] <= other[1] + 0.001 or other[3] <= one[1] + 0.001
        assert apart_x or apart_y


@given(graphs())
@settings(deadline=None)
def test_edges_leave_and_enter_boxes_and_go_forwards(graph: tuple[dict[str, Size], list[tuple[str, str]]]) -> None:
    sizes, edges = graph
    layout = lay_out(sizes, edges)
    places = boxes(layout, sizes)
    assert len(layout.routes) == len(edges)
    for (src, dst), route in zip(edges, layout.routes, strict=True):
        first, last = route[0], route[-1]
        assert first.x == places[src][2]
        assert places[src][1] < first.y < places[src][3]
        assert last.x == places[dst][0]
        assert places[dst][1] < last.y < places[dst][3]
        xs = [point.x for point in route]
        assert xs == sorted(xs)


PICTURES = """
import random
from fateline_engine.drawing.layout import Size, lay_out
chance = random.Random(7)
for _ in range(40):
    names = [f"n{index}" for index in range(chance.randint(2, 9))]
    pairs = [(a, b) for index, a in enumerate(names) for b in names[index + 1 :]]
    sizes = {name: Size(chance.randint(20, 200), chance.randint(20, 90)) for name in names}
    print(lay_out(sizes, chance.choices(pairs, k=12)))
"""


def test_the_same_graph_gives_the_same_picture_in_every_process() -> None:
    """Python orders sets of texts by a number that differs from process to process; a picture must not depend on it."""
    path = os.pathsep.join(sys.path)
    pictures = {
        subprocess.run(
            [sys.executable, "-c", PICTURES],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    (picture,) = pictures
    assert picture.count("Layout(") == 40


@given(graphs())
@settings(deadline=None)
def test_edges_at_one_side_of_a_box_do_not_cross_there(graph: tuple[dict[str, Size], list[tuple[str, str]]]) -> None:
    sizes, edges = graph
    layout = lay_out(sizes, edges)
    for name in sizes:
        leaving = [route for (src, _), route in zip(edges, layout.routes, strict=True) if src == name]
        towards = [route[1].y for route in sorted(leaving, key=lambda route: route[0].y) if len(route) > 2]
        assert towards == sorted(towards)
        entering = [route for (_, dst), route in zip(edges, layout.routes, strict=True) if dst == name]
        from_where = [route[-2].y for route in sorted(entering, key=lambda route: route[-1].y) if len(route) > 2]
        assert from_where == sorted(from_where)


def test_crossings_that_can_be_avoided_are() -> None:
    layers: list[list[str | tuple[int, int]]] = [["a", "b"], ["x", "y"]]
    links: list[tuple[str | tuple[int, int], str | tuple[int, int]]] = [("a", "y"), ("b", "x")]
    assert _crossings(layers, links) == 1
    ordered = _order(layers, links)
    assert _crossings(ordered, links) == 0
    assert [sorted(map(str, items)) for items in ordered] == [["a", "b"], ["x", "y"]]


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=6), st.integers(1, 30))
@settings(deadline=None)
def test_spreading_keeps_order_and_distance_and_moves_no_more_than_it_must(wanted: list[int], gap: int) -> None:
    gaps = [float(gap)] * (len(wanted) - 1)
    got = _spread([float(value) for value in wanted], gaps)
    assert all(b - a >= gap - 1e-9 for a, b in pairwise(got))
    if all(b - a >= gap for a, b in pairwise(wanted)):
        assert got == [float(value) for value in wanted]
    assert abs(sum(got) - sum(wanted)) < 1e-6, "pools keep their mean"

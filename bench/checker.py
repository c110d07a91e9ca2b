"""Measures the checker against a naive search: two rows, four branches, one crash, the same states and the same laws.

There are four ways to the same counts. *Naive* visits every state of two rows one by one, once with every law checked
in every step and once without laws. *By rows* explores one row and counts two. *By rows and branches* also treats
branches that look alike as one. Each way prints its states, steps, CPU seconds, and how many times less CPU it took
than the naive search with laws. The states and steps of all ways must be equal, or this benchmark fails.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

from fateline_model.checker.rows import Rows
from fateline_model.checker.search import Explored, explore
from fateline_model.checker.shapes import diamond
from fateline_model.checker.symmetry import Symmetry
from fateline_model.checker.systems import InstanceOptions, PipelineSystem
from fateline_model.laws import ALL
from fateline_model.wellformed import load

PIPELINE = load(diamond(branches=4, policy="require_all", merge="union", works=1))
MENU = InstanceOptions({"g": ("route all",), "ta": ("pass", "error"), "out": ("written",)})


class Measured(NamedTuple):
    """What one way found: states and steps of two rows, the states that it visited, CPU seconds."""

    way: str
    states: int
    steps: int
    visited: int
    seconds: float


def _naive(way: str, *, judged: bool) -> Measured:
    started = time.process_time()
    found = _must_hold(explore(PipelineSystem(PIPELINE, 2, 1, MENU), ALL if judged else ()))
    seconds = time.process_time() - started
    return Measured(way, len(found.states), found.transitions, len(found.states), seconds)


def _by_rows(way: str, *, reduced: bool) -> Measured:
    started = time.process_time()
    system = PipelineSystem(PIPELINE, 1, 1, MENU)
    fold = Symmetry(PIPELINE, system.verdicts).fold if reduced else None
    found = _must_hold(explore(system, ALL, fold=fold))
    count = Rows(found).count(2)
    return Measured(way, count.states, count.transitions, len(found.states), time.process_time() - started)


def _must_hold(found: Explored) -> Explored:
    if not found.holds:
        raise SystemExit("the law does not hold here: nothing is measured")
    return found


def main() -> None:
    ways: tuple[Callable[[], Measured], ...] = (
        lambda: _by_rows("by rows and branches, judged", reduced=True),
        lambda: _by_rows("by rows, judged", reduced=False),
        lambda: _naive("naive, not judged", judged=False),
        lambda: _naive("naive, judged", judged=True),
    )
    measured = []
    for way in ways:
        measured.append(way())
        print(f"  measured: {measured[-1].way}, {measured[-1].seconds:.2f} CPU s", flush=True)
    if len({(one.states, one.steps) for one in measured}) != 1:
        raise SystemExit(f"the ways disagree: {measured}")
    reference = measured[-1]
    print(f"two rows, four branches, one crash: {reference.states:,} states, {reference.steps:,} steps")
    print(f"{'':<30} {'visited':>9} {'CPU s':>8} {'times less CPU':>15}")
    for one in measured:
        ratio = reference.seconds / one.seconds
        print(f"{one.way:<30} {one.visited:>9,} {one.seconds:>8.2f} {ratio:>15,.1f}")

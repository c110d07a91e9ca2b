"""The laws of the judge for stepping: what is taken away, cut off or renamed makes no verdict worse, and audit and stepping
do not contradict each other.

The ways to weaken a trail and the trails are those of the audit (`tests/oracle/audit`).
"""

import random

import pytest

from fateline_oracle.audit.adapters import find_adapter
from fateline_oracle.audit.any_trail import open_any
from fateline_oracle.audit.whole import Wanted, audit
from fateline_oracle.book.landscapes import CASES, unpacked
from fateline_oracle.trails.check import TrailResult, check_runs
from fateline_oracle.trails.reader import runs_of

from ..audit import weakened
from ..audit.corpus import Record
from ..audit.test_judge_laws import of_databases, of_walks

SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 24))]


def stepped(trail: list[Record], *, ordered: bool = True) -> TrailResult:
    return check_runs(runs_of(trail, whole=False, ordered=ordered))


def told(found: TrailResult) -> list[str]:
    return [f"{one.law} {one.message}" for one in found.findings[:3]]


@pytest.mark.parametrize("source", [of_walks, of_databases])
@pytest.mark.parametrize("seed", SEEDS)
def test_j1_what_is_hidden_breaks_nothing(source: object, seed: int) -> None:
    draw = random.Random(seed)
    trail = source(draw)  # type: ignore[operator]
    ordered = source is of_walks
    whole = stepped(trail, ordered=ordered)
    assert whole.breached == {}, told(whole)
    ways = list(weakened.hidings(trail, draw))
    for name, hide in draw.sample(ways, min(30, len(ways))) if seed == 0 else ways:
        less = stepped(hide(trail), ordered=ordered)
        assert less.breached == {}, (name, told(less))
        assert less.accepted <= whole.accepted or whole.undetermined, name


@pytest.mark.parametrize("source", [of_walks, of_databases])
@pytest.mark.parametrize("seed", SEEDS)
def test_j2_a_prefix_breaks_nothing(source: object, seed: int) -> None:
    draw = random.Random(seed)
    trail = source(draw)  # type: ignore[operator]
    places = weakened.steps_of(trail)
    for after in draw.sample(places, min(len(places), 12)):
        prefix = weakened.cut(trail, after, draw.choice(["running", "interrupted", "failed"]))
        less = stepped(prefix, ordered=source is of_walks)
        assert less.breached == {}, (after, told(less))


@pytest.mark.parametrize("change", [weakened.rename, weakened.shuffle])
@pytest.mark.parametrize("source", [of_walks, of_databases])
@pytest.mark.parametrize("seed", SEEDS)
def test_j3_other_names_and_another_order_change_nothing(change: object, source: object, seed: int) -> None:
    draw = random.Random(seed)
    trail = source(draw)  # type: ignore[operator]
    ordered = source is of_walks
    before, after = stepped(trail, ordered=ordered), stepped(change(trail, draw), ordered=ordered)  # type: ignore[operator]
    assert (after.accepted, after.breached) == (before.accepted, before.breached), told(after)


@pytest.mark.parametrize("name", CASES)
def test_j7_what_stepping_breaks_the_audit_breaks(name: str) -> None:
    with unpacked(name) as path:
        with open_any(path) as trail:
            found = check_runs(trail.runs())
        asked = audit(Wanted(path, find_adapter(path)))
    assert set(found.breached) <= set(asked.breached), told(found)

"""From one row to several: counted and searched must be the same, and rows that depend on each other are noticed."""

from copy import deepcopy

import pytest

from fateline_model.checker.rows import Rows
from fateline_model.checker.search import Explored
from fateline_model.words import RunStatus

from .explored import PIPELINES, SMALL, naive, reduced, rows

AFFORDABLE = 40_000
QUICK = ("line", "quarantine", "retries attempts=3")
LONGER = (
    "sequential first=require_all second=best_effort",
    "hostile diamond policy=require_all merge=union:fail",
    "untimed diamond policy=require_all timed=False",
    "untimed diamond policy=first timed=False",
    *(
        f"diamond branches=2 policy={policy} merge={merge}"
        for policy in ("require_all", "quorum:2")
        for merge in ("union", "union:fail", "select:b")
    ),
    "leaving policy=require_all",
)
"""The instances whose two rows can be searched as they stand; of the larger ones one is in the quick tests too."""


@pytest.mark.slow
def test_every_instance_whose_two_rows_are_affordable_is_searched() -> None:
    chosen = [name for name in PIPELINES if not SMALL[name].is_one_of_all]
    counts = {name: Rows(reduced(name)).count(2).states for name in chosen}
    assert {name for name, states in counts.items() if states <= AFFORDABLE} == {*QUICK, *LONGER}


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in LONGER)])
def test_two_rows_searched_are_two_rows_counted(name: str) -> None:
    found = rows(SMALL[name], 2)
    assert found.holds
    for one in (naive(name), reduced(name)):
        count = Rows(one).count(2)
        assert (count.states, count.transitions) == (len(found.states), found.transitions)


@pytest.mark.slow
def test_two_rows_of_a_reduced_instance_searched_are_two_rows_counted() -> None:
    name = LONGER[-1]
    found, count = rows(SMALL[name], 2), Rows(reduced(name)).count(2)
    assert len(reduced(name).states) < sum(reduced(name).weights)
    assert (count.states, count.transitions) == (len(found.states), found.transitions)


@pytest.mark.slow
def test_three_rows_searched_are_three_rows_counted() -> None:
    found, count = rows(SMALL["quarantine"], 3), Rows(reduced("quarantine")).count(3)
    assert found.holds
    assert (count.states, count.transitions) == (len(found.states), found.transitions)


def test_one_row_counted_is_the_row_explored() -> None:
    count = Rows(naive("retries attempts=3")).count(1)
    found = naive("retries attempts=3")
    assert (count.states, count.transitions, count.reduced) == (len(found.states), found.transitions, len(found.states))


def test_rows_that_look_alike_are_fewer_than_rows() -> None:
    count = Rows(reduced("line")).count(2)
    assert count.states / 2 < count.reduced < count.states


def damaged(name: str, drop: RunStatus | None) -> Explored:
    """One explored row in which one state has lost a step that changes the flags, or got it twice."""
    found = deepcopy(naive(name))
    for state, targets in zip(found.states, found.targets, strict=True):
        for target in targets:
            before, after = state.world[0], found.states[target].world[0]
            if before.source_ended != after.source_ended or before.status is not after.status:
                if drop is None and after.source_ended and not before.source_ended:
                    targets.append(target)
                    return found
                if drop is not None and after.status is drop and before.status is not drop:
                    targets.remove(target)
                    return found
    raise AssertionError("no such step")


@pytest.mark.parametrize("drop", [RunStatus.COMPLETED, RunStatus.INTERRUPTED, None])
def test_rows_that_depend_on_each_other_are_not_counted(drop: RunStatus | None) -> None:
    """A crash, an end of the source or of the run that one state of the row forbids, or offers twice."""
    assert Rows(naive("line")).count(2).states
    with pytest.raises(ValueError, match="rows are not independent"):
        Rows(damaged("line", drop))

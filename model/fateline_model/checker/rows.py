"""From one row to any number of rows, without exploring their product.

Theory. Except in batches, rows never meet: a stimulus about a row reads that row and the *flags* of the run (its status,
whether the source has ended, the crashes used up). Only four stimuli change the flags, and three of them (end of
source, crash, resume) are lawful whatever the rows do. Fix the order in which these three came, a *history*. Then each
row goes its way independently, and the states of R rows after the history are exactly the R-fold product of the states
of one row after it. The reachable states of R rows are the union of these products over the histories that lead to the same
flags, and a union of products of sets is counted by inclusion and exclusion. The fourth, the end of the run, is
lawful when every row is at rest, which again is a product.

So exploring one row explores every number of rows, with exact counts, and a step of one row is a step of R rows with
R - 1 bystanders. The naive search of two rows and of three rows must give the same counts; `verify` and the tests check
that. Rows do meet in batches, so instances with batches are searched as they are.
"""

from collections.abc import Iterator
from itertools import combinations
from math import comb
from typing import NamedTuple

from ..machine import at_rest
from ..state import Run
from ..words import RunStatus
from .search import Explored
from .systems import State


class Flags(NamedTuple):
    """The part of the state that all rows share."""

    status: RunStatus
    source_ended: bool
    crashes: int


class Count(NamedTuple):
    """The product of a number of rows: states, steps, and the states that remain when interchangeable ones count as one."""

    rows: int
    states: int
    transitions: int
    reduced: int


class Rows:
    """The histories of one explored row, and the counts that follow for any number of rows."""

    def __init__(self, one: Explored) -> None:
        self.one = one
        self._flags = [_flags(state) for state in one.states]
        self.histories: dict[Flags, list[frozenset[int]]] = {}
        self._grow()

    def _grow(self) -> None:
        """Close the first state under the row's own steps, then follow every change of the flags, and so on."""
        waiting = [self._close(frozenset({0}))]
        while waiting:
            here = waiting.pop()
            flags = self._flags[next(iter(here))]
            known = self.histories.setdefault(flags, [])
            if here in known:
                continue
            known.append(here)
            leading: dict[Flags, set[int]] = {}
            for number in here:
                for target in self.one.targets[number]:
                    if self._flags[target] != flags:
                        leading.setdefault(self._flags[target], set()).add(target)
            for ahead, targets in leading.items():
                self._must_not_depend_on_the_row(here, ahead)
                waiting.append(self._close(frozenset(targets)))

    def _must_not_depend_on_the_row(self, history: frozenset[int], ahead: Flags) -> None:
        """The whole theory rests on this premise, so it is checked and not assumed."""
        for number in history:
            ways = sum(self._flags[target] == ahead for target in self.one.targets[number])
            expected = int(_rests(self.one.states[number])) if ahead.status is RunStatus.COMPLETED else 1
            if ways != expected:
                raise ValueError(f"rows are not independent: {ways} ways to {ahead} from {self.one.states[number]}")

    def _close(self, numbers: frozenset[int]) -> frozenset[int]:
        """The states that the row reaches from these while the flags stay as they are."""
        seen, waiting = set(numbers), list(numbers)
        while waiting:
            here = waiting.pop()
            for target in self.one.targets[here]:
                if target not in seen and self._flags[target] == self._flags[here]:
                    seen.add(target)
                    waiting.append(target)
        return frozenset(seen)

    def count(self, rows: int) -> Count:
        """The states and steps of this number of rows."""
        states = transitions = reduced = 0
        for flags, histories in self.histories.items():
            for sign, common in _inclusion_exclusion(histories):
                weight = sum(self.one.weights[number] for number in common)
                own = sum(self.one.weights[n] * self._own_steps(n, flags) for n in common)
                resting = sum(self.one.weights[n] for n in common if _rests(self.one.states[n]))
                ahead = {self._flags[t] for n in common for t in self.one.targets[n]}
                shared = len(ahead - {flags, flags._replace(status=RunStatus.COMPLETED)})
                states += sign * weight**rows
                transitions += sign * (rows * own * weight ** (rows - 1) + shared * weight**rows)
                if flags.source_ended and flags.status is RunStatus.RUNNING:
                    transitions += sign * resting**rows
                reduced += sign * comb(len(common) + rows - 1, rows)
        return Count(rows, states, transitions, reduced)

    def _own_steps(self, number: int, flags: Flags) -> int:
        return sum(self._flags[target] == flags for target in self.one.targets[number])


def _flags(state: State) -> Flags:
    run: Run = state.world[0]
    return Flags(run.status, run.source_ended, state.crashes)


def _rests(state: State) -> bool:
    return at_rest(state.world[0])


def _inclusion_exclusion(sets: list[frozenset[int]]) -> Iterator[tuple[int, frozenset[int]]]:
    for size in range(1, len(sets) + 1):
        for chosen in combinations(sets, size):
            yield (1 if size % 2 else -1), frozenset.intersection(*chosen)

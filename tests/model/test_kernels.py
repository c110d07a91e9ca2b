"""The kernels on small numbers: what a token's phases allow, and that the machines run on what is proved."""

from itertools import product

import pytest

from fateline_model.deadlines import deadline_of, expired, resolved_before
from fateline_model.kernels import (
    PHASES,
    REFUSED_IN,
    Line,
    Mark,
    Move,
    Phase,
    fits,
    mark_on_arrival,
    mark_on_loss,
    mark_on_resolution,
    next_phase,
    same_line,
)
from fateline_model.words import BarrierVerdict, Refusal


def test_an_ended_token_does_not_move_and_every_other_can_end() -> None:
    assert [move for move in Move if next_phase(Phase.ENDED, move)] == []
    assert {phase for phase in Phase if next_phase(phase, Move.END)} == set(Phase) - {Phase.ENDED}


def test_only_what_is_ready_begins_arrives_or_is_accepted() -> None:
    for move in (Move.BEGIN, Move.ARRIVE, Move.ACCEPT):
        assert [phase for phase in Phase if next_phase(phase, move)] == [Phase.READY]


def test_what_is_held_goes_nowhere_but_to_its_end() -> None:
    assert {move for phase, move in PHASES if phase is Phase.HELD} == {Move.END}


def test_every_phase_has_a_rule_for_what_it_refuses() -> None:
    assert set(REFUSED_IN) == set(Phase)


def test_no_sequence_of_moves_gives_a_second_fate_or_a_second_open_visit() -> None:
    waiting, seen = [(Phase.READY, 0, 0)], set()
    while waiting:
        phase, fates, visits = waiting.pop()
        if (phase, fates, visits) in seen:
            continue
        seen.add((phase, fates, visits))
        assert len(seen) < 10, "a token does not stand in that many ways"
        for move in Move:
            after = next_phase(phase, move)
            assert (after is None) == ((phase, move) not in PHASES)
            opens = (move in (Move.BEGIN, Move.ARRIVE, Move.ACCEPT)) - (move in (Move.HOP, Move.END) and visits)
            waiting += [(after, fates + (move is Move.END), visits + opens)] if after is not None else []
    assert seen == {
        (Phase.READY, 0, 0),
        (Phase.VISITING, 0, 1),
        (Phase.HELD, 0, 1),
        (Phase.BUFFERED, 0, 1),
        (Phase.ENDED, 1, 0),
    }


@pytest.mark.parametrize(
    "parent, rule",
    [
        (Line(1, 2, 3), None),
        (Line(0, 2, 3), Refusal.OTHER_RUN),
        (Line(0, 0, 0), Refusal.OTHER_RUN),
        (Line(1, 0, 3), Refusal.OTHER_ROW),
        (Line(1, 0, 0), Refusal.OTHER_ROW),
        (Line(1, 2, 0), Refusal.NOT_ONE_FORK),
    ],
)
def test_a_line_is_one_run_one_row_one_fork_asked_in_this_order(parent: Line, rule: Refusal | None) -> None:
    assert same_line(Line(1, 2, 3), parent) is rule


def test_a_barriers_branches_balance_through_any_arrivals_losses_and_resolutions() -> None:
    waiting: list[tuple[tuple[Mark, ...], bool]] = [((Mark.AWAITED,) * 3, False)]
    seen = set()
    while waiting:
        marks, resolved = waiting.pop()
        assert all(fits(mark, resolved) for mark in marks), marks
        if (marks, resolved) in seen:
            continue
        seen.add((marks, resolved))
        for place, happens in product(range(3), (mark_on_arrival, mark_on_loss)):
            after = happens(marks[place], resolved)
            if isinstance(after, Refusal):
                assert marks[place] is not Mark.AWAITED
                continue
            waiting.append(((*marks[:place], after, *marks[place + 1 :]), resolved))
        if not resolved:
            waiting += [
                (tuple(mark_on_resolution(mark, verdict) for mark in marks), True) for verdict in BarrierVerdict
            ]
    assert len(seen) > 50


@pytest.mark.parametrize(
    "mark, resolved",
    [(Mark.HELD, True), (Mark.MERGED, False), (Mark.FAILED, False), (Mark.LATE, False)],
)
def test_what_does_not_balance(mark: Mark, resolved: bool) -> None:
    assert not fits(mark, resolved)


def test_a_deadline_is_due_at_its_own_moment_and_the_earlier_comes_first() -> None:
    assert deadline_of(1_000, 60_000) == 61_000
    assert [expired(now, 1_000, 60_000) for now in (60_999, 61_000, 61_001)] == [False, True, True]
    assert resolved_before(5, 1, 6, 0)
    assert resolved_before(5, 0, 5, 1)
    assert not resolved_before(6, 0, 5, 1)

"""The kernels on small numbers: what a token's phases allow, and that the machines run on what is proved."""

import pytest

from fateline_model.kernels import (
    PHASES,
    REFUSED_IN,
    Line,
    Move,
    Phase,
    Standing,
    Tally,
    advance,
    balanced,
    deadline_of,
    expired,
    next_phase,
    resolved_before,
    same_line,
    tally_arrival,
    tally_loss,
)
from fateline_model.words import Refusal


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
    waiting, seen = [Standing(Phase.READY, 0, 0)], set()
    while waiting:
        standing = waiting.pop()
        if standing in seen:
            continue
        seen.add(standing)
        assert len(seen) < 10, "a token has not that many standings"
        for move in Move:
            after = advance(standing, move)
            assert (after is None) == ((standing.phase, move) not in PHASES)
            waiting += [after] if after is not None else []
    assert seen == {
        Standing(Phase.READY, 0, 0),
        Standing(Phase.VISITING, 0, 1),
        Standing(Phase.HELD, 0, 1),
        Standing(Phase.BUFFERED, 0, 1),
        Standing(Phase.ENDED, 1, 0),
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


def test_a_barriers_branches_balance_through_any_arrivals_and_losses() -> None:
    waiting, seen = [Tally(3, 3, 0, 0, 0, False)], set()
    while waiting:
        tally = waiting.pop()
        assert balanced(tally), tally
        if tally in seen or tally.awaited == 0:
            continue
        seen.add(tally)
        waiting += [happen(tally, resolves) for happen in (tally_arrival, tally_loss) for resolves in (False, True)]
    assert len(seen) > 10


@pytest.mark.parametrize(
    "tally",
    [
        Tally(1, 1, 0, 0, 0, False),
        Tally(2, 1, 0, 0, 0, False),
        Tally(2, 3, -1, 0, 0, False),
        Tally(2, 1, 1, 0, 0, True),
        Tally(2, 1, 0, 1, 0, False),
    ],
)
def test_what_does_not_balance(tally: Tally) -> None:
    assert not balanced(tally)


def test_a_deadline_is_due_at_its_own_moment_and_the_earlier_comes_first() -> None:
    assert deadline_of(1_000, 60_000) == 61_000
    assert [expired(now, 1_000, 60_000) for now in (60_999, 61_000, 61_001)] == [False, True, True]
    assert resolved_before(5, 1, 6, 0)
    assert resolved_before(5, 0, 5, 1)
    assert not resolved_before(6, 0, 5, 1)

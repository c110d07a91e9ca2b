"""The policy table decides as the policies stated in other words (`decide_again`) do; and merges fail in order."""

from collections.abc import Iterator
from itertools import product

import pytest

from fateline_model.coalesce import (
    HOLDS,
    POLICY_TABLE,
    UNRESOLVED,
    Counts,
    Decision,
    Event,
    When,
    check_merge,
    decide,
    merge_can_end_as,
    possible,
    well_formed,
)
from fateline_model.words import MergeData, Policy, Reason, Strategy
from fateline_oracle.law.proofs.restated import decide_again

TIMED = (Event.DEADLINE, Event.FLUSH)
LARGEST = 6


def every_counts(largest: int = LARGEST) -> Iterator[Counts]:
    for n in range(2, largest + 1):
        for arrived, lost, quorum in product(range(n + 1), range(n + 1), range(1, n + 1)):
            if arrived + lost <= n:
                yield Counts(n, arrived, lost, quorum)


def test_the_table_has_a_cell_for_every_policy_and_event_and_no_other() -> None:
    assert set(POLICY_TABLE) == set(product(Policy, Event))


@pytest.mark.parametrize("policy, event", list(product(Policy, Event)))
def test_every_cell_ends_in_an_answer_for_whatever_is_left(policy: Policy, event: Event) -> None:
    """The last line of a cell is `always`; what is before it never is, or the rest could not be reached."""
    *guarded, (last, _) = POLICY_TABLE[policy, event]
    assert last is When.ALWAYS
    assert When.ALWAYS not in [when for when, _ in guarded]


@pytest.mark.parametrize("policy, event", list(product(Policy, Event)))
def test_decide_decides_as_the_policies_stated_again(policy: Policy, event: Event) -> None:
    asked = [counts for counts in every_counts() if event is not Event.ARRIVAL or counts.arrived > 0]
    assert len(asked) > 200
    for counts in asked:
        assert decide(policy, event, counts) is decide_again(policy, event, counts), counts


@pytest.mark.parametrize("policy, event", list(product(Policy, Event)))
def test_every_line_of_a_cell_decides_some_barrier_that_can_be(policy: Policy, event: Event) -> None:
    """All but one: a `first` barrier with an arrival is never open, and would be an engine's fault."""
    decided = set()
    for counts in every_counts():
        if possible(policy, event, counts):
            decided.add(next(line for line in POLICY_TABLE[policy, event] if HOLDS[line[0]](counts)))
    unreached = set(POLICY_TABLE[policy, event]) - decided
    impossible = {(When.SOME_ARRIVED, Decision.IMPOSSIBLE)}
    assert unreached == (impossible if policy is Policy.FIRST and event in TIMED else set())


def reached(policy: Policy, n: int, quorum: int) -> set[tuple[Event, Counts]]:
    """What an open barrier really can be asked, found by playing every arrival and every loss."""
    asked: set[tuple[Event, Counts]] = set()
    waiting, seen = [(0, 0)], {(0, 0)}
    while waiting:
        arrived, lost = waiting.pop()
        for event in Event:
            if event in TIMED:
                if arrived + lost:
                    asked.add((event, Counts(n, arrived, lost, quorum)))
                continue
            if arrived + lost == n:
                continue
            after = (arrived + (event is Event.ARRIVAL), lost + (event is Event.LOSS))
            counts = Counts(n, *after, quorum)
            asked.add((event, counts))
            if decide_again(policy, event, counts) in UNRESOLVED and after not in seen:
                seen.add(after)
                waiting.append(after)
    return asked


@pytest.mark.parametrize("policy", Policy)
def test_possible_is_what_playing_every_arrival_and_loss_reaches(policy: Policy) -> None:
    """`possible` also allows the clock to find a barrier without any event, which no machine asks."""
    for n in range(2, LARGEST + 1):
        for quorum in range(1, n + 1):
            said = {
                (event, counts)
                for event in Event
                for counts in every_counts()
                if counts.n == n and counts.quorum == quorum and possible(policy, event, counts)
            }
            untouched = {(event, Counts(n, 0, 0, quorum)) for event in TIMED}
            assert said - untouched == reached(policy, n, quorum)


@pytest.mark.parametrize(
    "counts, right",
    [
        (Counts(2, 1, 1, 1), True),
        (Counts(2, 0, 0, 2), True),
        (Counts(1, 0, 0, 1), False),
        (Counts(2, 2, 1, 1), False),
        (Counts(2, -1, 0, 1), False),
        (Counts(2, 0, -1, 1), False),
        (Counts(2, 0, 0, 3), False),
        (Counts(2, 0, 0, 0), False),
    ],
)
def test_well_formed_counts(counts: Counts, right: bool) -> None:
    assert well_formed(counts) is right


@pytest.mark.parametrize(
    "strategy, selected, agree, collision, reason",
    [
        (Strategy.SELECT, True, True, False, None),
        (Strategy.SELECT, True, False, True, None),
        (Strategy.SELECT, False, False, True, Reason.SELECT_BRANCH_NOT_ARRIVED),
        (Strategy.UNION, False, True, False, None),
        (Strategy.UNION, False, False, False, Reason.CONTRACT_CONFLICT),
        (Strategy.UNION, False, False, True, Reason.CONTRACT_CONFLICT),
        (Strategy.UNION, False, True, True, Reason.UNION_COLLISION),
        (Strategy.NESTED, False, False, True, None),
    ],
)
def test_a_merge_is_asked_for_its_branch_then_its_contracts_then_its_values(
    strategy: Strategy, selected: bool, agree: bool, collision: bool, reason: Reason | None
) -> None:
    assert check_merge(strategy, selected, agree, collision, False) is reason
    assert check_merge(strategy, selected, agree, collision, True) is (reason or Reason.MERGED_ROW_TOO_LARGE)


@pytest.mark.parametrize("strategy, fails, arrived", list(product(Strategy, (False, True), (1, 2, 3))))
def test_only_a_union_of_two_can_contradict_itself(strategy: Strategy, fails: bool, arrived: int) -> None:
    can = {word for word in MergeData if merge_can_end_as(strategy, fails, arrived, word)}
    expected = {MergeData.OK}
    if strategy == "union" and arrived > 1:
        expected |= {MergeData.CONTRACT_CONFLICT} | ({MergeData.UNION_COLLISION} if fails else set())
    assert can == expected

"""The kernels stated again in other words, and the steps that carry them to barriers and parents of any number.

A function here is a theorem: its contract is the claim, and CrossHair confirms it for every integer. `decide_again` is
the one restatement of the coalesce policy, as chains of ifs; the table in the model must agree with it on all counts,
and the tests of the table ask it too. The others are the steps of inductions: with them a claim about one event or one
parent is a claim about every history of a barrier and every list of parents.

Not here: what the kernels promise by themselves (their own contracts), and what runs them (`gate.py`).
"""

from fateline_model.coalesce import (  # noqa: F401  # some are named by the contracts only
    CLOSING,
    UNRESOLVED,
    Counts,
    Decision,
    Event,
    decide,
    possible,
    well_formed,
)
from fateline_model.deadlines import resolved_before
from fateline_model.kernels import Line, same_line
from fateline_model.merging import FieldFold, keep
from fateline_model.words import Policy, Refusal


def decide_again(policy: Policy, event: Event, counts: Counts) -> Decision:
    """The policy by policy where the table is by cell, and by what is still awaited where the table is by event.

    It covers all counts, also those at which a barrier would have been resolved before.

    pre: well_formed(counts)
    pre: event is not Event.ARRIVAL or counts.arrived > 0
    post: __return__ is decide(policy, event, counts)
    """
    n, arrived, lost, quorum = counts
    awaited = n - arrived - lost
    time_is_up = event is Event.DEADLINE or event is Event.FLUSH
    wait = Decision.HOLD if event is Event.ARRIVAL else Decision.WAIT
    if policy is Policy.REQUIRE_ALL:
        if time_is_up:
            return Decision.INCOMPLETE_BRANCHES
        if event is Event.LOSS:
            return Decision.BRANCH_LOST
        return Decision.MERGE if arrived == n else wait
    if policy is Policy.QUORUM:
        if time_is_up:
            return Decision.QUORUM_NOT_MET
        if event is Event.LOSS:
            return wait if arrived + awaited >= quorum else Decision.QUORUM_IMPOSSIBLE
        return Decision.MERGE if arrived >= quorum else wait
    if policy is Policy.FIRST:
        if time_is_up:
            return Decision.IMPOSSIBLE if arrived else Decision.NO_ARRIVALS
        if event is Event.LOSS:
            return Decision.ALL_BRANCHES_LOST if lost == n else wait
        return Decision.MERGE
    if not time_is_up and awaited:
        return wait
    if arrived:
        return Decision.MERGE
    return Decision.NO_ARRIVALS if time_is_up else Decision.ALL_BRANCHES_LOST


def count(event: Event, counts: Counts) -> Counts:
    """The counts once the event is counted: what a barrier adds before it asks what to do."""
    arrived = counts.arrived + (1 if event is Event.ARRIVAL else 0)
    lost = counts.lost + (1 if event is Event.LOSS else 0)
    return Counts(counts.n, arrived, lost, counts.quorum)


def first_event(policy: Policy, event: Event, n: int, quorum: int) -> Counts:
    """Every barrier begins within what the proofs quantify over.

    pre: n >= 2 and 1 <= quorum <= n
    post: well_formed(__return__) and possible(policy, event, __return__)
    """
    return count(event, Counts(n, 0, 0, quorum))


def next_event(policy: Policy, event: Event, counts: Counts, following: Event) -> Counts:
    """And stays within it, for as long as it is open: what follows a hold or a wait is possible again.

    pre: well_formed(counts) and possible(policy, event, counts)
    pre: decide(policy, event, counts) in UNRESOLVED
    post: well_formed(__return__) and possible(policy, following, __return__)
    """
    return count(following, counts)


def earlier_event(policy: Policy, event: Event, counts: Counts, before: Event) -> Decision:
    """Nor is it more than that: the counts that an arrival or a loss before would have resolved are not possible.

    pre: well_formed(counts) and counts.awaited > 0 and event in CLOSING and before not in CLOSING
    pre: possible(policy, before, counts) and possible(policy, event, counts)
    post: __return__ in UNRESOLVED
    """
    return decide(policy, before, counts)


def last_event(policy: Policy, event: Event, counts: Counts) -> Decision:
    """When no branch is awaited any more, the event that made it so decides: no barrier is ever left to a flush.

    pre: well_formed(counts) and possible(policy, event, counts)
    pre: counts.awaited == 0
    post: __return__ not in UNRESOLVED
    """
    return decide(policy, event, counts)


def two_events(policy: Policy, one: Event, other: Event, counts: Counts) -> Decision:
    """What a barrier does on two events: the first decides, or it leaves the decision to the second."""
    first = decide(policy, one, count(one, counts))
    return decide(policy, other, count(other, count(one, counts))) if first in UNRESOLVED else first


def swapped_events(policy: Policy, counts: Counts) -> Decision:
    """An arrival and a loss in either order: the barrier merges, fails or stays open alike.

    pre: well_formed(counts) and counts.awaited >= 2 and possible(policy, Event.DEADLINE, counts)
    post: (__return__ is Decision.MERGE) == (two_events(policy, Event.LOSS, Event.ARRIVAL, counts) is Decision.MERGE)
    post: (__return__ in UNRESOLVED) == (two_events(policy, Event.LOSS, Event.ARRIVAL, counts) in UNRESOLVED)
    """
    return two_events(policy, Event.ARRIVAL, Event.LOSS, counts)


def two_parents(line: Line, one: Line, other: Line) -> Refusal | None:
    """Parents that pass one by one are of one run, one row and one fork among themselves.

    pre: same_line(line, one) is None
    post: (__return__ is None) == (same_line(one, other) is None)
    post: __return__ is not None or (one.run == other.run and one.row == other.row and one.fork == other.fork)
    """
    return same_line(line, other)


def keep_two(fold: FieldFold, branch: int, value: int, then: int, next_value: int, first_wins: bool) -> FieldFold:
    """Of two more branches, the order decides which value is kept, but never whether there is a conflict.

    pre: fold.givers >= 0 and (fold.givers >= 2 or not fold.conflict)
    post: __return__.conflict == keep(keep(fold, then, next_value, first_wins), branch, value, first_wins).conflict
    post: first_wins or (__return__.branch == then and __return__.value == next_value)
    post: not (first_wins and fold.givers == 0) or (__return__.branch == branch and __return__.value == value)
    """
    return keep(keep(fold, branch, value, first_wins), then, next_value, first_wins)


def three_holds(one: int, first: int, two: int, second: int, three: int, third: int) -> bool:
    """Being resolved before is transitive, so any number of expired holds has one order.

    pre: resolved_before(one, first, two, second) and resolved_before(two, second, three, third)
    post: __return__
    """
    return resolved_before(one, first, three, third)

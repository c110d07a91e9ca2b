"""The verdict of a barrier: a pure function of counts.

n branches are joined, a have arrived, l are lost. After each event the same question is asked: is the barrier decided,
and how? The four policies differ only in what is *needed* to merge, and whether fewer may do:

    ============ ======== =====================================================
    policy       needs    may merge with fewer
    ============ ======== =====================================================
    require_all  n        never
    quorum       q        never
    best_effort  n        once every branch is accounted for, or time is up
    first        1        (fewer than one is none)
    ============ ======== =====================================================

A merge happens at an arrival that meets the need, or, where fewer may do, when nothing more can come. It fails when
the need can no longer be met.

The code uses ints, enumerations and named tuples only, so that a symbolic tool can prove its contracts for all integers. Not
here: data. Whether the data can be merged is decided in `merging.py`.
"""

from enum import StrEnum
from typing import NamedTuple

from fateline_engine.settings.nodes import Policy


class Event(StrEnum):
    ARRIVAL = "arrival"
    LOSS = "loss"
    DEADLINE = "deadline"
    FLUSH = "flush"


class Ruling(StrEnum):
    """What to do. Each failure has its reason."""

    WAIT = "wait"
    MERGE = "merge"
    BRANCH_LOST = "branch_lost"
    QUORUM_IMPOSSIBLE = "quorum_impossible"
    ALL_BRANCHES_LOST = "all_branches_lost"
    INCOMPLETE_BRANCHES = "incomplete_branches"
    QUORUM_NOT_MET = "quorum_not_met"
    NO_ARRIVALS = "no_arrivals"
    FIRST_HAS_ARRIVED = "first_has_arrived"
    """Not a verdict: a `first` barrier that holds a token has lost one. The caller must refuse it loudly."""


class Counts(NamedTuple):
    """What a barrier knows, the event included. `quorum` is 0 unless the policy is quorum."""

    expected: int
    arrived: int
    lost: int
    quorum: int


def well_formed(policy: Policy, counts: Counts, event: Event) -> bool:
    """Counts that are possible: the event has happened, so one of its kind is counted."""
    return (
        counts.expected >= 2
        and counts.arrived >= 0
        and counts.lost >= 0
        and counts.arrived + counts.lost <= counts.expected
        and (1 <= counts.quorum <= counts.expected if policy is Policy.QUORUM else counts.quorum == 0)
        and (event is not Event.ARRIVAL or counts.arrived >= 1)
        and (event is not Event.LOSS or counts.lost >= 1)
    )


def decide(policy: Policy, counts: Counts, event: Event) -> Ruling:
    """What to do after `event`, which is counted already.

    pre: well_formed(policy, counts, event)
    post: __return__ is not Ruling.MERGE or counts.arrived >= 1
    post: __return__ is not Ruling.WAIT or (event is Event.ARRIVAL or event is Event.LOSS)
    post: not (policy is Policy.REQUIRE_ALL and __return__ is Ruling.MERGE) or counts.arrived == counts.expected
    post: not (policy is Policy.QUORUM and __return__ is Ruling.MERGE) or counts.arrived >= counts.quorum
    post: not (event is Event.ARRIVAL) or __return__ is Ruling.WAIT or __return__ is Ruling.MERGE
    """
    if event is Event.ARRIVAL:
        return Ruling.MERGE if _arrival_merges(policy, counts) else Ruling.WAIT
    if event is Event.LOSS:
        return _after_loss(policy, counts)
    return _time_is_up(policy, counts)


def _arrival_merges(policy: Policy, counts: Counts) -> bool:
    if policy is Policy.REQUIRE_ALL:
        return counts.arrived == counts.expected
    if policy is Policy.QUORUM:
        return counts.arrived >= counts.quorum
    return policy is Policy.FIRST or counts.arrived + counts.lost == counts.expected


def _after_loss(policy: Policy, counts: Counts) -> Ruling:
    if policy is Policy.REQUIRE_ALL:
        return Ruling.BRANCH_LOST
    if policy is Policy.QUORUM:
        still = counts.expected - counts.lost
        return Ruling.QUORUM_IMPOSSIBLE if still < counts.quorum else Ruling.WAIT
    if policy is Policy.FIRST:
        return Ruling.ALL_BRANCHES_LOST if counts.lost == counts.expected else Ruling.WAIT
    if counts.arrived + counts.lost < counts.expected:
        return Ruling.WAIT
    return Ruling.MERGE if counts.arrived > 0 else Ruling.ALL_BRANCHES_LOST


def _time_is_up(policy: Policy, counts: Counts) -> Ruling:
    if policy is Policy.REQUIRE_ALL:
        return Ruling.INCOMPLETE_BRANCHES
    if policy is Policy.QUORUM:
        return Ruling.QUORUM_NOT_MET
    if counts.arrived == 0:
        return Ruling.NO_ARRIVALS
    return Ruling.MERGE if policy is Policy.BEST_EFFORT else Ruling.FIRST_HAS_ARRIVED


def expired(deadline: int, now: int) -> bool:
    """Whether a deadline has passed; at exactly its time it has.

    post: __return__ == (now >= deadline)
    """
    return deadline <= now

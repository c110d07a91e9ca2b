"""When a coalesce is decided, by what, and how: the whole coalesce policy.

`POLICY_TABLE` is that policy. To change what a policy does on an event, change its cell; nothing else decides. Each
cell is read from the top: the first condition that is true gives the decision. n branches are joined, `arrived` of them
are held, `lost` of them can no longer arrive. The event itself is already counted.

`decide` and `check_merge` are kernels: total functions over integers and `StrEnum`s, with contracts that CrossHair
confirms for every integer (`fateline prove`). Not here: whose branch is lost (`step_builder.py`), late arrivals and
refusals (`machine.py`), and what the merged data is (`merging.py`).
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Final, NamedTuple

from .words import MERGE_FAILURES, MergeData, Policy, Reason, Strategy  # noqa: F401 - a contract reads the first


class Event(StrEnum):
    ARRIVAL = "arrival"
    LOSS = "loss"
    DEADLINE = "deadline"
    FLUSH = "flush"


class Decision(StrEnum):
    """Hold the arriving token, wait for more, merge the held tokens, or fail the barrier for a reason."""

    HOLD = "hold"
    WAIT = "wait"
    MERGE = "merge"
    BRANCH_LOST = "branch_lost"
    QUORUM_IMPOSSIBLE = "quorum_impossible"
    ALL_BRANCHES_LOST = "all_branches_lost"
    INCOMPLETE_BRANCHES = "incomplete_branches"
    QUORUM_NOT_MET = "quorum_not_met"
    NO_ARRIVALS = "no_arrivals"
    IMPOSSIBLE = "impossible"


class When(StrEnum):
    """The conditions a cell may ask for; `HOLDS` gives the meaning of each."""

    ALWAYS = "always"
    ALL_ARRIVED = "arrived = n"
    QUORUM_ARRIVED = "arrived >= quorum"
    QUORUM_OUT_OF_REACH = "n - lost < quorum"
    SOME_AWAITED = "arrived + lost < n"
    SOME_ARRIVED = "arrived > 0"
    ALL_LOST = "lost = n"


class Counts(NamedTuple):
    """The branches of a barrier as numbers."""

    n: int
    arrived: int
    lost: int
    quorum: int

    @property
    def awaited(self) -> int:
        """How many branches may still arrive."""
        return self.n - self.arrived - self.lost


CLOSING: Final = (Event.DEADLINE, Event.FLUSH)
"""The events after which a barrier waits no longer."""

UNRESOLVED: Final = (Decision.HOLD, Decision.WAIT)
"""The decisions that leave a barrier open."""

Cell = tuple[tuple[When, Decision], ...]

_DEADLINE_CELLS: Final[dict[Policy, Cell]] = {
    Policy.REQUIRE_ALL: ((When.ALWAYS, Decision.INCOMPLETE_BRANCHES),),
    Policy.QUORUM: ((When.ALWAYS, Decision.QUORUM_NOT_MET),),
    Policy.BEST_EFFORT: ((When.SOME_ARRIVED, Decision.MERGE), (When.ALWAYS, Decision.NO_ARRIVALS)),
    Policy.FIRST: ((When.SOME_ARRIVED, Decision.IMPOSSIBLE), (When.ALWAYS, Decision.NO_ARRIVALS)),
}

POLICY_TABLE: Final[dict[tuple[Policy, Event], Cell]] = {
    (Policy.REQUIRE_ALL, Event.ARRIVAL): ((When.ALL_ARRIVED, Decision.MERGE), (When.ALWAYS, Decision.HOLD)),
    (Policy.REQUIRE_ALL, Event.LOSS): ((When.ALWAYS, Decision.BRANCH_LOST),),
    (Policy.QUORUM, Event.ARRIVAL): ((When.QUORUM_ARRIVED, Decision.MERGE), (When.ALWAYS, Decision.HOLD)),
    (Policy.QUORUM, Event.LOSS): (
        (When.QUORUM_OUT_OF_REACH, Decision.QUORUM_IMPOSSIBLE),
        (When.ALWAYS, Decision.WAIT),
    ),
    (Policy.BEST_EFFORT, Event.ARRIVAL): ((When.SOME_AWAITED, Decision.HOLD), (When.ALWAYS, Decision.MERGE)),
    (Policy.BEST_EFFORT, Event.LOSS): (
        (When.SOME_AWAITED, Decision.WAIT),
        (When.SOME_ARRIVED, Decision.MERGE),
        (When.ALWAYS, Decision.ALL_BRANCHES_LOST),
    ),
    (Policy.FIRST, Event.ARRIVAL): ((When.ALWAYS, Decision.MERGE),),
    (Policy.FIRST, Event.LOSS): (
        (When.ALL_LOST, Decision.ALL_BRANCHES_LOST),
        (When.ALWAYS, Decision.WAIT),
    ),
    **{(policy, Event.DEADLINE): cell for policy, cell in _DEADLINE_CELLS.items()},
    **{(policy, Event.FLUSH): cell for policy, cell in _DEADLINE_CELLS.items()},
}


HOLDS: Final[dict[When, Callable[[Counts], bool]]] = {
    When.ALWAYS: lambda counts: True,
    When.ALL_ARRIVED: lambda counts: counts.arrived == counts.n,
    When.QUORUM_ARRIVED: lambda counts: counts.arrived >= counts.quorum,
    When.QUORUM_OUT_OF_REACH: lambda counts: counts.n - counts.lost < counts.quorum,
    When.SOME_AWAITED: lambda counts: counts.arrived + counts.lost < counts.n,
    When.SOME_ARRIVED: lambda counts: counts.arrived > 0,
    When.ALL_LOST: lambda counts: counts.lost == counts.n,
}
"""The meaning of each condition of the policy table."""


def well_formed(counts: Counts) -> bool:
    """Counts that a barrier can have: no branch is both held and lost, and the quorum can be asked for."""
    return (
        counts.n >= 2
        and counts.arrived >= 0
        and counts.lost >= 0
        and counts.arrived + counts.lost <= counts.n
        and 1 <= counts.quorum <= counts.n
    )


def possible(policy: Policy, event: Event, counts: Counts) -> bool:
    """Counts that an unresolved barrier of this policy can have once the event is counted.

    An earlier event that could resolve the barrier has done so. So these are exactly the counts that the event before
    left unresolved. The exhaustive checks and the proofs both quantify over them.
    """
    before_arrived = counts.arrived - (1 if event is Event.ARRIVAL else 0)
    before_lost = counts.lost - (1 if event is Event.LOSS else 0)
    if before_arrived < 0 or before_lost < 0 or before_arrived + before_lost >= counts.n:
        return False
    if policy is Policy.REQUIRE_ALL:
        return before_lost == 0
    if policy is Policy.QUORUM:
        return before_arrived < counts.quorum and counts.n - before_lost >= counts.quorum
    if policy is Policy.FIRST:
        return before_arrived == 0
    return True


def decide(policy: Policy, event: Event, counts: Counts) -> Decision:
    """What a barrier does on an event: the first condition of the table's cell that holds.

    The contract states what is true whatever the policy. What each policy asks for is stated once more, in full, by
    `decide_again` of the proofs, which agrees with this function on all counts.

    pre: well_formed(counts)
    pre: possible(policy, event, counts)
    post: __return__ is not Decision.MERGE or counts.arrived > 0
    post: __return__ is not Decision.ALL_BRANCHES_LOST or counts.lost == counts.n
    post: __return__ is not Decision.NO_ARRIVALS or (event in CLOSING and counts.arrived == 0)
    post: __return__ not in UNRESOLVED or (event not in CLOSING and counts.awaited > 0)
    post: __return__ is not Decision.HOLD or event is Event.ARRIVAL
    post: __return__ is not Decision.WAIT or event is Event.LOSS
    post: __return__ is not Decision.IMPOSSIBLE
    """
    for when, decision in POLICY_TABLE[policy, event]:
        if HOLDS[when](counts):
            return decision
    return Decision.IMPOSSIBLE


def check_merge(
    strategy: Strategy, selected_arrived: bool, contracts_agree: bool, collision_fails: bool, too_large: bool
) -> Reason | None:
    """Why a merge that the policy asked for fails its barrier instead. The reasons are checked in this order.

    pre: True
    post: (__return__ is Reason.SELECT_BRANCH_NOT_ARRIVED) == (strategy is Strategy.SELECT and not selected_arrived)
    post: (__return__ is Reason.CONTRACT_CONFLICT) == (strategy is Strategy.UNION and not contracts_agree)
    post: (__return__ is Reason.UNION_COLLISION) == (strategy is Strategy.UNION and contracts_agree and collision_fails)
    post: not too_large or __return__ is not None
    post: __return__ is not Reason.MERGED_ROW_TOO_LARGE or too_large
    post: __return__ is None or __return__ in MERGE_FAILURES
    """
    if strategy is Strategy.SELECT and not selected_arrived:
        return Reason.SELECT_BRANCH_NOT_ARRIVED
    if strategy is Strategy.UNION and not contracts_agree:
        return Reason.CONTRACT_CONFLICT
    if strategy is Strategy.UNION and collision_fails:
        return Reason.UNION_COLLISION
    return Reason.MERGED_ROW_TOO_LARGE if too_large else None


def merge_can_end_as(strategy: Strategy, collisions_fail: bool, arrived: int, data: MergeData) -> bool:
    """Whether the data of this many branches can have this outcome. One branch cannot contradict itself; a limit is no data."""
    possible = (MergeData.CONTRACT_CONFLICT, *((MergeData.UNION_COLLISION,) if collisions_fail else ()))
    return data is MergeData.OK or (strategy is Strategy.UNION and arrived >= 2 and data in possible)

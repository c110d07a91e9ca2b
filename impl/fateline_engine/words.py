"""The closed lists of words that the engine writes into its trail, and the fields of each outcome.

This is the vocabulary of `specs/words.md`, as enumerations whose values are the texts in the database. Not here: behaviour,
and the words of a pipeline's settings (`settings`).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple


class RunStatus(StrEnum):
    """A `completed` run is over; a run that is `running` or `interrupted` may be resumed."""

    RUNNING = "running"
    INTERRUPTED = "interrupted"
    COMPLETED = "completed"


class GroupKind(StrEnum):
    """Which operation made a token."""

    FORK = "fork"
    JOIN = "join"
    EXPAND = "expand"
    BATCH = "batch"


class VisitStatus(StrEnum):
    OPEN = "open"
    HELD = "held"
    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class Outcome(StrEnum):
    COMPLETED = "completed"
    ROUTED = "routed"
    DIVERTED = "diverted"
    DISCARDED = "discarded"
    FAILED = "failed"
    QUARANTINED = "quarantined"
    FORKED = "forked"
    EXPANDED = "expanded"
    COALESCED = "coalesced"
    CONSUMED_IN_BATCH = "consumed_in_batch"
    BUFFERED = "buffered"


class Carries(NamedTuple):
    """The fields that an outcome must have and may have; all others are forbidden."""

    must: frozenset[str]
    may: frozenset[str] = frozenset()


FIELDS: Final = ("sink", "error", "reason", "batch", "group", "promised")

CARRIES: Final[Mapping[Outcome, Carries]] = {
    Outcome.COMPLETED: Carries(frozenset({"sink"})),
    Outcome.ROUTED: Carries(frozenset({"sink"})),
    Outcome.DIVERTED: Carries(frozenset({"sink", "error"}), frozenset({"reason"})),
    Outcome.DISCARDED: Carries(frozenset({"reason"}), frozenset({"batch"})),
    Outcome.FAILED: Carries(frozenset({"error"}), frozenset({"reason", "batch"})),
    Outcome.QUARANTINED: Carries(frozenset({"error"}), frozenset({"sink", "reason"})),
    Outcome.FORKED: Carries(frozenset({"group", "promised"})),
    Outcome.EXPANDED: Carries(frozenset({"group", "promised"})),
    Outcome.COALESCED: Carries(frozenset({"group"})),
    Outcome.CONSUMED_IN_BATCH: Carries(frozenset({"batch"})),
    Outcome.BUFFERED: Carries(frozenset({"batch"})),
}

DELEGATING: Final = frozenset({Outcome.FORKED, Outcome.EXPANDED, Outcome.COALESCED, Outcome.CONSUMED_IN_BATCH})
"""Outcomes after which a token continues as other tokens. Only the operation that makes those tokens gives them."""


class Reason(StrEnum):
    BRANCH_LOST = "branch_lost"
    QUORUM_IMPOSSIBLE = "quorum_impossible"
    ALL_BRANCHES_LOST = "all_branches_lost"
    INCOMPLETE_BRANCHES = "incomplete_branches"
    QUORUM_NOT_MET = "quorum_not_met"
    NO_ARRIVALS = "no_arrivals"
    SELECT_BRANCH_NOT_ARRIVED = "select_branch_not_arrived"
    CONTRACT_CONFLICT = "contract_conflict"
    UNION_COLLISION = "union_collision"
    MERGED_ROW_TOO_LARGE = "merged_row_too_large"
    LATE_ARRIVAL_AFTER_MERGE = "late_arrival_after_merge"
    LATE_ARRIVAL_AFTER_FAILURE = "late_arrival_after_failure"
    GATE_DISCARD = "gate_discard"
    FILTERED = "filtered"
    EMPTY_BATCH = "empty_batch"
    BATCH_FAILED = "batch_failed"
    INVALID_ROW = "invalid_row"
    NODE_FAILED = "node_failed"


class LossReason(StrEnum):
    ROUTED = "routed"
    DIVERTED = "diverted"
    DISCARDED = "discarded"
    QUARANTINED = "quarantined"
    FAILED = "failed"
    FORKED_AWAY = "forked_away"
    BARRIER_FAILED = "barrier_failed"


class BarrierVerdict(StrEnum):
    MERGED = "merged"
    FAILED = "failed"


class Trigger(StrEnum):
    """Which event resolved a barrier, or closed a batch to new members."""

    ARRIVAL = "arrival"
    LOSS = "loss"
    DEADLINE = "deadline"
    FLUSH = "flush"
    COUNT = "count"
    TIMEOUT = "timeout"
    CONDITION = "condition"
    END_OF_SOURCE = "end_of_source"


class BatchStatus(StrEnum):
    OPEN = "open"
    TRIGGERED = "triggered"
    COMPLETED = "completed"
    FAILED = "failed"


class Refusal(StrEnum):
    """Which rule forbids a stimulus, in the order in which the rules are checked."""

    UNKNOWN_RUN = "unknown_run"
    RUN_OVER = "run_over"
    RUN_DOWN = "run_down"
    RUN_UP = "run_up"
    UNKNOWN_ROW = "unknown_row"
    UNKNOWN_TOKEN = "unknown_token"
    UNKNOWN_BARRIER = "unknown_barrier"
    UNKNOWN_BATCH = "unknown_batch"
    OTHER_RUN = "other_run"
    OTHER_ROW = "other_row"
    SOURCE_ENDED = "source_ended"
    ROW_ALREADY_READ = "row_already_read"
    NO_CONTRACT = "no_contract"
    HAS_ROOT_TOKEN = "has_root_token"
    HAS_FATE = "has_fate"
    ALREADY_VISITING = "already_visiting"
    NOT_VISITING = "not_visiting"
    NOT_ITS_NEXT_NODE = "not_its_next_node"
    NO_FRAME = "no_frame"
    BRANCH_HELD = "branch_held"
    BRANCH_LOST = "branch_lost"
    NO_SUCH_VERDICT = "no_such_verdict"
    NO_SUCH_DATA = "no_such_data"
    NO_BRANCHES = "no_branches"
    REPEATED_BRANCH = "repeated_branch"
    NO_CHILDREN = "no_children"
    CONTRACT_NOT_LOCKED = "contract_not_locked"
    NO_PARENTS = "no_parents"
    NOT_ONE_FORK = "not_one_fork"
    ALREADY_RESOLVED = "already_resolved"
    NO_DEADLINE = "no_deadline"
    NO_CONDITION = "no_condition"
    FIRST_HAS_ARRIVED = "first_has_arrived"
    SOURCE_NOT_ENDED = "source_not_ended"
    UPSTREAM_IN_FLIGHT = "upstream_in_flight"
    BATCH_NOT_OPEN = "batch_not_open"
    BATCH_NOT_TRIGGERED = "batch_not_triggered"
    BATCH_AWAITS_FLUSH = "batch_awaits_flush"
    FIELDS_MISSING = "fields_missing"
    FIELDS_FORBIDDEN = "fields_forbidden"
    NOT_A_FATE = "not_a_fate"
    NOT_AT_REST = "not_at_rest"

"""The closed vocabularies of the law: every word a pipeline, a stimulus, a record or a refusal may use.

Here: the words, and beside each word the sentence that the book prints for it. Not here: what the words do. A word
that is in no table of this file does not exist for a judge, so a typo in an engine's trail is a finding and never a
new category. All are `StrEnum`s: they compare as text, travel as JSON, and CrossHair can reason about them.
"""

from enum import StrEnum
from typing import Final, NamedTuple

# ---------------------------------------------------------------------------------------------------- pipelines


class NodeKind(StrEnum):
    SOURCE = "source"
    TRANSFORM = "transform"
    GATE = "gate"
    COALESCE = "coalesce"
    AGGREGATION = "aggregation"
    SINK = "sink"


class Policy(StrEnum):
    """When a coalesce has seen enough."""

    REQUIRE_ALL = "require_all"
    QUORUM = "quorum"
    BEST_EFFORT = "best_effort"
    FIRST = "first"


class Strategy(StrEnum):
    """What a coalesce makes of the data of the branches that arrived."""

    UNION = "union"
    NESTED = "nested"
    SELECT = "select"


class Collisions(StrEnum):
    """What `union` does with a field that two branches give different values."""

    LAST_WINS = "last_wins"
    FIRST_WINS = "first_wins"
    FAIL = "fail"


class BatchMode(StrEnum):
    PASSTHROUGH = "passthrough"
    TRANSFORM = "transform"


CONTINUE: Final = "continue"
FORK: Final = "fork"
DISCARD: Final = "discard"
ON_ERROR: Final = "on_error"
RESERVED: Final = (CONTINUE, FORK, DISCARD, ON_ERROR)
NAME_PATTERN: Final = r"[A-Za-z_][A-Za-z0-9_-]*"

# ---------------------------------------------------------------------------------------------------- statuses


class RunStatus(StrEnum):
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    COMPLETED = "completed"


class VisitStatus(StrEnum):
    """Open while a node works on the token, held at a coalesce or in a batch; the other three are closed."""

    OPEN = "open"
    HELD = "held"
    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


STANDING: Final = (VisitStatus.OPEN, VisitStatus.HELD)


class BatchStatus(StrEnum):
    OPEN = "open"
    TRIGGERED = "triggered"
    COMPLETED = "completed"
    FAILED = "failed"


class GroupKind(StrEnum):
    """Which operation made a token. A root token was made by none."""

    FORK = "fork"
    JOIN = "join"
    EXPAND = "expand"
    BATCH = "batch"


class BarrierVerdict(StrEnum):
    MERGED = "merged"
    FAILED = "failed"


class Trigger(StrEnum):
    """What closed a batch, or resolved a barrier."""

    ARRIVAL = "arrival"
    LOSS = "loss"
    DEADLINE = "deadline"
    FLUSH = "flush"
    COUNT = "count"
    TIMEOUT = "timeout"
    CONDITION = "condition"
    END_OF_SOURCE = "end_of_source"


BARRIER_TRIGGERS: Final = (Trigger.ARRIVAL, Trigger.LOSS, Trigger.DEADLINE, Trigger.FLUSH)
BATCH_TRIGGERS: Final = (Trigger.COUNT, Trigger.TIMEOUT, Trigger.CONDITION, Trigger.END_OF_SOURCE)

# ---------------------------------------------------------------------------------------------------- verdicts


class Verdict(StrEnum):
    """How a visit ended. `route` and `expand` are followed by the label or the count, as in `route high`."""

    PASS = "pass"
    DROP = "drop"
    EXPAND = "expand"
    ROUTE = "route"
    ERROR = "error"
    ERROR_RETRYABLE = "error_retryable"
    WRITTEN = "written"
    REFUSED = "refused"
    REFUSED_RETRYABLE = "refused_retryable"
    MERGED = "merged"
    BARRIER_FAILED = "barrier_failed"
    LATE = "late"
    FLUSHED = "flushed"
    FLUSH_FAILED = "flush_failed"


VERDICTS_OF: Final[dict[NodeKind, tuple[Verdict, ...]]] = {
    NodeKind.TRANSFORM: (Verdict.PASS, Verdict.DROP, Verdict.EXPAND, Verdict.ERROR, Verdict.ERROR_RETRYABLE),
    NodeKind.GATE: (Verdict.ROUTE, Verdict.ERROR),
    NodeKind.SINK: (Verdict.WRITTEN, Verdict.REFUSED, Verdict.REFUSED_RETRYABLE),
}
RETRYABLE: Final = (Verdict.ERROR_RETRYABLE, Verdict.REFUSED_RETRYABLE)


class FlushVerdict(StrEnum):
    """What an aggregation's plugin made of a batch."""

    OUTPUTS = "outputs"
    PASSED = "passed"
    EMPTY = "empty"
    ERROR = "error"


class MergeData(StrEnum):
    """What the merge kernel says of the data of one merge; it travels on the stimulus that causes the merge."""

    OK = "ok"
    CONTRACT_CONFLICT = "contract_conflict"
    UNION_COLLISION = "union_collision"


# ---------------------------------------------------------------------------------------------------- outcomes


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


class OutcomeRule(NamedTuple):
    """One row of the outcome table: a field neither in `must` nor in `may` is forbidden."""

    terminal: bool
    delegates: bool
    must: tuple[str, ...]
    may: tuple[str, ...]
    meaning: str


OUTCOME_FIELDS: Final = ("sink", "error", "reason", "batch", "group", "promised")
OUTCOMES: Final[dict[Outcome, OutcomeRule]] = {
    Outcome.COMPLETED: OutcomeRule(
        True, False, ("sink",), (), "written durably; the hop into the sink was `continue` or a branch"
    ),
    Outcome.ROUTED: OutcomeRule(True, False, ("sink",), (), "written durably; the hop was a gate's route label"),
    Outcome.DIVERTED: OutcomeRule(
        True,
        False,
        ("sink", "error"),
        ("reason",),
        "written durably; the hop was `on_error` of a transform, gate or sink",
    ),
    Outcome.DISCARDED: OutcomeRule(
        True, False, ("reason",), ("batch",), "a gate, a filter or an empty batch dropped it on purpose"
    ),
    Outcome.FAILED: OutcomeRule(
        True, False, ("error",), ("reason", "batch"), "processing failed, also at a barrier or in a batch"
    ),
    Outcome.QUARANTINED: OutcomeRule(
        True, False, ("error",), ("sink", "reason"), "invalid at the source, or `on_error: discard`"
    ),
    Outcome.FORKED: OutcomeRule(True, True, ("group", "promised"), (), "continues as its fork children"),
    Outcome.EXPANDED: OutcomeRule(True, True, ("group", "promised"), (), "continues as its expansion children"),
    Outcome.COALESCED: OutcomeRule(True, True, ("group",), (), "continues as the merged token"),
    Outcome.CONSUMED_IN_BATCH: OutcomeRule(True, True, ("batch",), (), "continues as the batch's outputs"),
    Outcome.BUFFERED: OutcomeRule(False, False, ("batch",), (), "held in a batch; that batch's end must follow"),
}

# ---------------------------------------------------------------------------------------------------- reasons


class Reason(StrEnum):
    """Why a token or a barrier ended as it did."""

    BRANCH_LOST = "branch_lost"
    QUORUM_IMPOSSIBLE = "quorum_impossible"
    ALL_BRANCHES_LOST = "all_branches_lost"
    INCOMPLETE_BRANCHES = "incomplete_branches"
    QUORUM_NOT_MET = "quorum_not_met"
    NO_ARRIVALS = "no_arrivals"
    SELECT_BRANCH_NOT_ARRIVED = "select_branch_not_arrived"
    CONTRACT_CONFLICT = "contract_conflict"
    UNION_COLLISION = "union_collision"
    LATE_ARRIVAL_AFTER_MERGE = "late_arrival_after_merge"
    LATE_ARRIVAL_AFTER_FAILURE = "late_arrival_after_failure"
    GATE_DISCARD = "gate_discard"
    FILTERED = "filtered"
    EMPTY_BATCH = "empty_batch"
    BATCH_FAILED = "batch_failed"
    INVALID_ROW = "invalid_row"
    NODE_FAILED = "node_failed"


REASONS: Final[dict[Reason, str]] = {
    Reason.BRANCH_LOST: "`require_all`: a branch can no longer arrive",
    Reason.QUORUM_IMPOSSIBLE: "`quorum`: too many branches are lost for the quorum to be met",
    Reason.ALL_BRANCHES_LOST: "`best_effort`, `first`: no branch can arrive any more, and none has",
    Reason.INCOMPLETE_BRANCHES: "`require_all`: the deadline or the flush came before the last branch",
    Reason.QUORUM_NOT_MET: "`quorum`: the deadline or the flush came before the quorum",
    Reason.NO_ARRIVALS: "`best_effort`, `first`: the deadline or the flush came, and nothing had arrived",
    Reason.SELECT_BRANCH_NOT_ARRIVED: "merge `select`: the selected branch is not among the arrived",
    Reason.CONTRACT_CONFLICT: "merge `union`: the schema contracts of the arrived branches contradict each other",
    Reason.UNION_COLLISION: "merge `union`, collisions `fail`: two branches gave one field different values",
    Reason.LATE_ARRIVAL_AFTER_MERGE: "it reached a barrier that had merged",
    Reason.LATE_ARRIVAL_AFTER_FAILURE: "it reached a barrier that had failed",
    Reason.GATE_DISCARD: "a gate's route to `discard`",
    Reason.FILTERED: "a transform gave an empty result",
    Reason.EMPTY_BATCH: "a transform-mode aggregation gave an explicitly empty result",
    Reason.BATCH_FAILED: "the flush of its batch failed",
    Reason.INVALID_ROW: "the source declared the row invalid",
    Reason.NODE_FAILED: "a transform, gate or sink failed, and no attempt was left",
}


class LossReason(StrEnum):
    """Why a branch owed to a barrier can no longer arrive."""

    ROUTED = "routed"
    DIVERTED = "diverted"
    DISCARDED = "discarded"
    QUARANTINED = "quarantined"
    FAILED = "failed"
    FORKED_AWAY = "forked_away"
    BARRIER_FAILED = "barrier_failed"


LOSS_REASONS: Final[dict[LossReason, str]] = {
    LossReason.ROUTED: "its holder took a route from which no path leads to the coalesce",
    LossReason.DIVERTED: "its holder took an `on_error` edge from which no path leads to the coalesce",
    LossReason.DISCARDED: "its holder was discarded",
    LossReason.QUARANTINED: "its holder was quarantined",
    LossReason.FAILED: "its holder failed",
    LossReason.FORKED_AWAY: "its holder forked, and no joined branch of that fork leads to the coalesce",
    LossReason.BARRIER_FAILED: "an inner barrier held the debt, and failed",
}

# ---------------------------------------------------------------------------------------------------- refusals


class Refusal(StrEnum):
    """Which rule forbids a stimulus, in the order in which the rules are asked: the first that applies is named."""

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
    NO_BRANCHES = "no_branches"
    NO_CHILDREN = "no_children"
    CONTRACT_NOT_LOCKED = "contract_not_locked"
    NO_PARENTS = "no_parents"
    NOT_A_NAME = "not_a_name"
    NOT_ONE_FORK = "not_one_fork"
    REPEATED_BRANCH = "repeated_branch"
    ALREADY_RESOLVED = "already_resolved"
    BATCH_NOT_OPEN = "batch_not_open"
    BATCH_NOT_TRIGGERED = "batch_not_triggered"
    NO_SUCH_VERDICT = "no_such_verdict"
    NO_DEADLINE = "no_deadline"
    NO_CONDITION = "no_condition"
    SOURCE_NOT_ENDED = "source_not_ended"
    UPSTREAM_IN_FLIGHT = "upstream_in_flight"
    FIRST_HAS_ARRIVED = "first_has_arrived"
    BATCH_AWAITS_FLUSH = "batch_awaits_flush"
    NOT_A_FATE = "not_a_fate"
    FIELDS_MISSING = "fields_missing"
    FIELDS_FORBIDDEN = "fields_forbidden"
    NOT_AT_REST = "not_at_rest"
    NO_SUCH_DATA = "no_such_data"


REFUSALS: Final[dict[Refusal, str]] = {
    Refusal.UNKNOWN_RUN: "no such run",
    Refusal.RUN_OVER: "the run is over; nothing more happens in it",
    Refusal.RUN_DOWN: "the run is interrupted; only `resume` is possible",
    Refusal.RUN_UP: "the run is not interrupted, so there is nothing to resume",
    Refusal.UNKNOWN_ROW: "the run has no such row",
    Refusal.UNKNOWN_TOKEN: "the run has no such token",
    Refusal.UNKNOWN_BARRIER: "no barrier of that name has seen an event",
    Refusal.UNKNOWN_BATCH: "the run has no such batch",
    Refusal.OTHER_RUN: "the token belongs to another run",
    Refusal.OTHER_ROW: "the token belongs to another row",
    Refusal.SOURCE_ENDED: "the source has ended; no row is read after that",
    Refusal.ROW_ALREADY_READ: "the row has been read; no row is read twice",
    Refusal.NO_CONTRACT: "a valid row needs a schema contract",
    Refusal.HAS_ROOT_TOKEN: "the row has its root token",
    Refusal.HAS_FATE: "the token has met its fate",
    Refusal.ALREADY_VISITING: "the token is visiting a node, or is held at one",
    Refusal.NOT_VISITING: "the token has no open visit to finish",
    Refusal.NOT_ITS_NEXT_NODE: "the token's next node is of another kind",
    Refusal.NO_FRAME: "the token owes no branch to this coalesce",
    Refusal.BRANCH_HELD: "a token of this branch has arrived",
    Refusal.BRANCH_LOST: "this branch is lost",
    Refusal.NO_BRANCHES: "a fork needs at least one branch",
    Refusal.NO_CHILDREN: "an expansion needs at least one child",
    Refusal.CONTRACT_NOT_LOCKED: "the contract of the children must be locked before anything is written",
    Refusal.NO_PARENTS: "a merge needs at least one parent",
    Refusal.NOT_A_NAME: "a branch or a node has no such name",
    Refusal.NOT_ONE_FORK: "the parents are not branches of one fork",
    Refusal.REPEATED_BRANCH: "the same branch twice",
    Refusal.ALREADY_RESOLVED: "the barrier is resolved, and is resolved once",
    Refusal.BATCH_NOT_OPEN: "the batch is closed to new members and to triggers",
    Refusal.BATCH_NOT_TRIGGERED: "the batch has not been triggered",
    Refusal.NO_SUCH_VERDICT: "the node cannot give this verdict",
    Refusal.NO_DEADLINE: "no timeout is configured",
    Refusal.NO_CONDITION: "no condition is configured",
    Refusal.SOURCE_NOT_ENDED: "the source has not ended",
    Refusal.UPSTREAM_IN_FLIGHT: "something upstream could still reach it",
    Refusal.FIRST_HAS_ARRIVED: "a `first` barrier with an arrival would have merged: the engine has lost a verdict",
    Refusal.BATCH_AWAITS_FLUSH: "another batch of this aggregation awaits its flush",
    Refusal.NOT_A_FATE: "only the operation itself gives this outcome, never a bare recording",
    Refusal.FIELDS_MISSING: "the outcome lacks a field that it must carry",
    Refusal.FIELDS_FORBIDDEN: "the outcome carries a field that it must not carry",
    Refusal.NOT_AT_REST: "a token lacks its fate, or a visit, barrier, batch or row is unfinished",
    Refusal.NO_SUCH_DATA: "the merge kernel cannot say this of the merge that happens here",
}

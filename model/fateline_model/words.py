"""The closed vocabularies of the law: every word that a pipeline, a stimulus, a record or a refusal may use.

Beside a word stands the sentence that the book prints for it. A word that is not in this file does not exist for the
judge, so a typing error in an engine's trail is a finding and never a new category. All are `StrEnum`s: they compare as
text, travel as JSON, and CrossHair can reason about them. Not here: what the words do.
"""

from enum import StrEnum
from typing import Final, NamedTuple, Self


class Word(StrEnum):
    """A word and the sentence that the book prints for it, in one place.

    The sentence has a default only because a look-up by value, `Reason("filtered")`, has the form of a call with one
    argument.
    """

    sentence: str

    def __new__(cls, value: str, sentence: str = "") -> Self:
        word = str.__new__(cls, value)
        word._value_ = value
        word.sentence = sentence
        return word


# ---------------------------------------------------------------------------------------------------- pipelines


class NodeKind(StrEnum):
    """What a node does: it reads rows, changes them, chooses their way, joins branches, collects tokens, or writes."""

    SOURCE = "source"
    TRANSFORM = "transform"
    GATE = "gate"
    COALESCE = "coalesce"
    AGGREGATION = "aggregation"
    SINK = "sink"


class Policy(StrEnum):
    """When a coalesce merges or fails: the rule that says which arrivals it needs."""

    REQUIRE_ALL = "require_all"
    QUORUM = "quorum"
    BEST_EFFORT = "best_effort"
    FIRST = "first"


class Strategy(StrEnum):
    """How a coalesce merges the data of the branches that arrived."""

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
    """A visit is open while a node works on the token, and held at a coalesce or in a batch; the other three are closed."""

    OPEN = "open"
    HELD = "held"
    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


OPEN_STATUSES: Final = (VisitStatus.OPEN, VisitStatus.HELD)


class BatchStatus(StrEnum):
    OPEN = "open"
    TRIGGERED = "triggered"
    COMPLETED = "completed"
    FAILED = "failed"


class GroupKind(StrEnum):
    """Which operation created a token. A root token has no group: the source created it."""

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
    """What the plugin of an aggregation answered for a batch."""

    OUTPUTS = "outputs"
    PASSED = "passed"
    EMPTY = "empty"
    ERROR = "error"


class MergeData(StrEnum):
    """The outcome of merging the data in one merge. The stimulus that causes the merge prescribes it."""

    OK = "ok"
    CONTRACT_CONFLICT = "contract_conflict"
    UNION_COLLISION = "union_collision"
    MERGED_ROW_TOO_LARGE = "merged_row_too_large"


# ---------------------------------------------------------------------------------------------------- outcomes


class Outcome(StrEnum):
    """What happened to a token at the end of its path. A terminal outcome is the token's fate."""

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
    """One row of the outcome table. A field that is neither in `must` nor in `may` is forbidden."""

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
        True, False, ("reason",), ("batch",), "a gate, a filter or an empty batch dropped the token on purpose"
    ),
    Outcome.FAILED: OutcomeRule(
        True, False, ("error",), ("reason", "batch"), "processing failed, at a node, at a barrier or in a batch"
    ),
    Outcome.QUARANTINED: OutcomeRule(
        True, False, ("error",), ("sink", "reason"), "invalid at the source, or `on_error: discard`"
    ),
    Outcome.FORKED: OutcomeRule(True, True, ("group", "promised"), (), "the token continues as its fork children"),
    Outcome.EXPANDED: OutcomeRule(
        True, True, ("group", "promised"), (), "the token continues as its expansion children"
    ),
    Outcome.COALESCED: OutcomeRule(True, True, ("group",), (), "the token continues as the merged token"),
    Outcome.CONSUMED_IN_BATCH: OutcomeRule(True, True, ("batch",), (), "the token continues as the batch's outputs"),
    Outcome.BUFFERED: OutcomeRule(
        False, False, ("batch",), (), "the token is held in a batch; the end of that batch must follow"
    ),
}

# ---------------------------------------------------------------------------------------------------- reasons


class Reason(Word):
    """Why a token or a barrier ended as it did."""

    BRANCH_LOST = "branch_lost", "`require_all`: a branch can no longer arrive"
    QUORUM_IMPOSSIBLE = "quorum_impossible", "`quorum`: too many branches are lost for the quorum to be met"
    ALL_BRANCHES_LOST = (
        "all_branches_lost",
        "`best_effort`, `first`: no branch has arrived, and no branch can arrive any more",
    )
    INCOMPLETE_BRANCHES = "incomplete_branches", "`require_all`: the deadline or the flush came before the last branch"
    QUORUM_NOT_MET = "quorum_not_met", "`quorum`: the deadline or the flush came before the quorum"
    NO_ARRIVALS = "no_arrivals", "`best_effort`, `first`: the deadline or the flush came, and nothing had arrived"
    SELECT_BRANCH_NOT_ARRIVED = (
        "select_branch_not_arrived",
        "merge `select`: the selected branch is not among the arrived",
    )
    CONTRACT_CONFLICT = (
        "contract_conflict",
        "merge `union`: the schema contracts of the arrived branches contradict each other",
    )
    UNION_COLLISION = (
        "union_collision",
        "merge `union`, collisions `fail`: two branches gave one field different values",
    )
    MERGED_ROW_TOO_LARGE = "merged_row_too_large", "the merged row is larger than the engine allows"
    LATE_ARRIVAL_AFTER_MERGE = "late_arrival_after_merge", "the token reached a barrier that had merged"
    LATE_ARRIVAL_AFTER_FAILURE = "late_arrival_after_failure", "the token reached a barrier that had failed"
    GATE_DISCARD = "gate_discard", "a gate's route to `discard`"
    FILTERED = "filtered", "a transform returned an empty result"
    EMPTY_BATCH = "empty_batch", "a transform-mode aggregation returned an explicitly empty result"
    BATCH_FAILED = "batch_failed", "the flush of its batch failed"
    INVALID_ROW = "invalid_row", "the source declared the row invalid"
    NODE_FAILED = "node_failed", "a transform, gate or sink failed, and no attempt was left"


MERGE_FAILURES: Final = (
    Reason.SELECT_BRANCH_NOT_ARRIVED, Reason.CONTRACT_CONFLICT, Reason.UNION_COLLISION, Reason.MERGED_ROW_TOO_LARGE,
)  # fmt: skip
"""Why a barrier fails although its policy merges."""


class LossReason(Word):
    """Why a branch owed to a barrier can no longer arrive."""

    ROUTED = "routed", "its holder took a route from which no path leads to the coalesce"
    DIVERTED = "diverted", "its holder took an `on_error` edge from which no path leads to the coalesce"
    DISCARDED = "discarded", "its holder was discarded"
    QUARANTINED = "quarantined", "its holder was quarantined"
    FAILED = "failed", "its holder failed"
    FORKED_AWAY = "forked_away", "its holder forked, and no joined branch of that fork leads to the coalesce"
    BARRIER_FAILED = "barrier_failed", "an inner barrier held the debt and failed"


# ---------------------------------------------------------------------------------------------------- refusals


class Refusal(Word):
    """Which rule forbids a stimulus, in the order in which the rules are checked. The first rule that applies is named."""

    UNKNOWN_RUN = "unknown_run", "no such run"
    RUN_OVER = "run_over", "the run is over; nothing more happens in it"
    RUN_DOWN = "run_down", "the run is interrupted; only `resume` is possible"
    RUN_UP = "run_up", "the run is not interrupted, so there is nothing to resume"
    UNKNOWN_ROW = "unknown_row", "the run has no such row"
    UNKNOWN_TOKEN = "unknown_token", "the run has no such token"
    UNKNOWN_BARRIER = "unknown_barrier", "no barrier of that name has seen an event"
    UNKNOWN_BATCH = "unknown_batch", "the run has no such batch"
    OTHER_RUN = "other_run", "the token belongs to another run"
    OTHER_ROW = "other_row", "the token belongs to another row"
    SOURCE_ENDED = "source_ended", "the source has ended; no row is read after that"
    ROW_ALREADY_READ = "row_already_read", "the row has been read; no row is read twice"
    NO_CONTRACT = "no_contract", "a valid row needs a schema contract"
    HAS_ROOT_TOKEN = "has_root_token", "the row already has its root token"
    HAS_FATE = "has_fate", "the token has met its fate"
    ALREADY_VISITING = "already_visiting", "the token is visiting a node, or is held at one"
    NOT_VISITING = "not_visiting", "the token has no open visit to finish"
    NOT_ITS_NEXT_NODE = "not_its_next_node", "the token's next node is of another kind"
    NO_FRAME = "no_frame", "the token owes no branch to this coalesce"
    BRANCH_HELD = "branch_held", "a token of this branch has arrived"
    BRANCH_LOST = "branch_lost", "this branch is lost"
    NO_BRANCHES = "no_branches", "a fork needs at least one branch"
    NO_CHILDREN = "no_children", "an expansion needs at least one child"
    CONTRACT_NOT_LOCKED = (
        "contract_not_locked",
        "the contract of the children must be locked before anything is written",
    )
    NO_PARENTS = "no_parents", "a merge needs at least one parent"
    NOT_A_NAME = "not_a_name", "no branch and no node can have this name"
    NOT_ONE_FORK = "not_one_fork", "the parents are not branches of one fork"
    REPEATED_BRANCH = "repeated_branch", "the same branch twice"
    ALREADY_RESOLVED = "already_resolved", "the barrier is already resolved, and a barrier is resolved once"
    BATCH_NOT_OPEN = "batch_not_open", "the batch is closed to new members and to triggers"
    BATCH_NOT_TRIGGERED = "batch_not_triggered", "the batch has not been triggered"
    NO_SUCH_VERDICT = "no_such_verdict", "the node cannot give this verdict"
    NO_DEADLINE = "no_deadline", "no timeout is configured"
    NO_CONDITION = "no_condition", "no condition is configured"
    SOURCE_NOT_ENDED = "source_not_ended", "the source has not ended"
    UPSTREAM_IN_FLIGHT = "upstream_in_flight", "something upstream could still reach it"
    FIRST_HAS_ARRIVED = (
        "first_has_arrived",
        "a `first` barrier with an arrival should have merged before: the engine has lost a verdict",
    )
    BATCH_AWAITS_FLUSH = "batch_awaits_flush", "another batch of this aggregation waits for its flush"
    NOT_A_FATE = "not_a_fate", "only its own operation can give this outcome, never a bare recording"
    FIELDS_MISSING = "fields_missing", "the outcome lacks a field that it must carry"
    FIELDS_FORBIDDEN = "fields_forbidden", "the outcome carries a field that it must not carry"
    NOT_AT_REST = "not_at_rest", "a token lacks its fate, or a visit, barrier, batch or row is unfinished"
    NO_SUCH_DATA = "no_such_data", "the merge that happens here cannot have this outcome"

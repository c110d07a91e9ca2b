"""Lists what is to be proved of the kernels of the law, as data.

An obligation names a function with a contract, one sentence about what the contract promises, and the laws that rest on it.
Against an empty proof it has witnesses, which are calls within the contract in which the interesting case happens, and
mutants, which are small changes of the source of the kernel that must be refuted with a counterexample.

To add one: write the contract in the kernel's docstring (or a function in `restated.py`), and an entry here. Not here:
how an obligation is settled (`settle.py`), and the output of CrossHair (`gate.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from types import ModuleType
from typing import Any, Final

from fateline_model import coalesce, deadlines, kernels, merging
from fateline_model.coalesce import Counts, Decision, Event
from fateline_model.kernels import Line, Mark, Move, Phase
from fateline_model.merging import FieldFold
from fateline_model.words import BarrierVerdict, Policy, Reason, Refusal, Strategy
from fateline_oracle.law.proofs import restated


@dataclass(frozen=True, slots=True)
class Witness:
    """A call for which the preconditions hold, and the result that makes it interesting."""

    arguments: tuple[object, ...]
    result: object


@dataclass(frozen=True, slots=True)
class Mutant:
    """A change of the model's source, in words and as text: `find` occurs once in `file`."""

    what: str
    file: str
    find: str
    replace: str


class Runs(StrEnum):
    """What a proof is about: a function that runs, or one that does not."""

    MACHINES = "the machines call it"
    CLAIM = "a claim about functions that the machines call"
    APART = "no machine calls it: it defines what the law means"


@dataclass(frozen=True, slots=True)
class Obligation:
    """A function whose contract is to be confirmed, in the module where it is written, and what runs it."""

    name: str
    module: ModuleType
    runs: Runs
    sentence: str
    laws: tuple[str, ...]
    witnesses: tuple[Witness, ...]
    mutants: tuple[Mutant, ...]

    @property
    def function(self) -> Callable[..., Any]:
        """The function that bears the contract."""
        return self.in_module(self.module)

    def in_module(self, module: ModuleType) -> Callable[..., Any]:
        """The same function in a copy of its module."""
        function: Callable[..., Any] = getattr(module, self.name)
        return function


def _of_decide(policy: Policy, event: Event, n: int, arrived: int, lost: int, quorum: int, result: Decision) -> Witness:
    return Witness((policy, event, Counts(n, arrived, lost, quorum)), result)


_DECISIONS: Final = (
    _of_decide(Policy.REQUIRE_ALL, Event.ARRIVAL, 3, 2, 0, 1, Decision.HOLD),
    _of_decide(Policy.REQUIRE_ALL, Event.ARRIVAL, 3, 3, 0, 1, Decision.MERGE),
    _of_decide(Policy.REQUIRE_ALL, Event.LOSS, 3, 2, 1, 1, Decision.BRANCH_LOST),
    _of_decide(Policy.REQUIRE_ALL, Event.DEADLINE, 3, 2, 0, 1, Decision.INCOMPLETE_BRANCHES),
    _of_decide(Policy.QUORUM, Event.ARRIVAL, 3, 2, 1, 2, Decision.MERGE),
    _of_decide(Policy.QUORUM, Event.LOSS, 3, 1, 1, 2, Decision.WAIT),
    _of_decide(Policy.QUORUM, Event.LOSS, 3, 1, 2, 2, Decision.QUORUM_IMPOSSIBLE),
    _of_decide(Policy.QUORUM, Event.FLUSH, 3, 1, 0, 2, Decision.QUORUM_NOT_MET),
    _of_decide(Policy.BEST_EFFORT, Event.DEADLINE, 3, 1, 1, 1, Decision.MERGE),
    _of_decide(Policy.BEST_EFFORT, Event.LOSS, 3, 2, 1, 1, Decision.MERGE),
    _of_decide(Policy.FIRST, Event.LOSS, 3, 0, 3, 1, Decision.ALL_BRANCHES_LOST),
    _of_decide(Policy.FIRST, Event.DEADLINE, 3, 0, 2, 1, Decision.NO_ARRIVALS),
)

_QUORUM_ONE_LATE: Final = Mutant(
    "a quorum merges one arrival too late",
    "coalesce.py",
    "lambda counts: counts.arrived >= counts.quorum",
    "lambda counts: counts.arrived > counts.quorum",
)
_LOSS_WAITS: Final = Mutant(
    "under best_effort, the loss of the last awaited branch is waited out",
    "coalesce.py",
    "        (When.SOME_AWAITED, Decision.WAIT),\n        (When.SOME_ARRIVED, Decision.MERGE),\n",
    "        (When.ALWAYS, Decision.WAIT),\n        (When.SOME_ARRIVED, Decision.MERGE),\n",
)
_FIRST_WAITS: Final = Mutant(
    "a deadline does not end a first barrier",
    "coalesce.py",
    "(When.SOME_ARRIVED, Decision.IMPOSSIBLE), (When.ALWAYS, Decision.NO_ARRIVALS)",
    "(When.ALWAYS, Decision.WAIT),",
)
_ROW_NOT_COMPARED: Final = Mutant(
    "parents may be of another row",
    "kernels.py",
    "if parent.row != line.row:",
    "if parent.row != parent.row:",
)
_CONFLICT_FORGOTTEN: Final = Mutant(
    "a later giver that agrees hides an earlier conflict",
    "merging.py",
    "conflict = fold.conflict or (fold.givers > 0 and value != fold.value)",
    "conflict = fold.givers > 0 and value != fold.value",
)
_ORDER_IGNORED: Final = Mutant(
    "expired holds with one deadline have no order",
    "deadlines.py",
    "return (deadline, order) < (other_deadline, other_order)",
    "return deadline < other_deadline",
)

OBLIGATIONS: Final = (
    Obligation(
        "decide",
        coalesce,
        Runs.MACHINES,
        "Whatever its policy, a barrier merges only with a branch that has arrived, holds only on an arrival and waits only "
        "on a loss while a branch is awaited, and every deadline and every flush decides it.",
        ("C3", "C4", "C12"),
        _DECISIONS,
        (
            _QUORUM_ONE_LATE,
            _FIRST_WAITS,
            Mutant(
                "at a deadline, best_effort merges nothing at all",
                "coalesce.py",
                "Policy.BEST_EFFORT: ((When.SOME_ARRIVED, Decision.MERGE), (When.ALWAYS, Decision.NO_ARRIVALS)),",
                "Policy.BEST_EFFORT: ((When.ALWAYS, Decision.MERGE),),",
            ),
        ),
    ),
    Obligation(
        "decide_again",
        restated,
        Runs.CLAIM,
        "The policy table and the policies written a second time, as chains of ifs, decide alike on all counts: a barrier "
        "merges exactly when its policy is satisfied, fails exactly when it no longer can be, and for the right reason.",
        ("C3", "C4", "C15"),
        _DECISIONS,
        (
            _LOSS_WAITS,
            Mutant(
                "under require_all, a lost branch is waited out",
                "coalesce.py",
                "(Policy.REQUIRE_ALL, Event.LOSS): ((When.ALWAYS, Decision.BRANCH_LOST),),",
                "(Policy.REQUIRE_ALL, Event.LOSS): ((When.ALWAYS, Decision.WAIT),),",
            ),
        ),
    ),
    Obligation(
        "first_event",
        restated,
        Runs.CLAIM,
        "Whatever the first event of a barrier is, the proofs about the policy table cover it.",
        ("C3", "C4"),
        (Witness((Policy.FIRST, Event.ARRIVAL, 4, 1), Counts(4, 1, 0, 1)),),
        (
            Mutant(
                "a quorum of all is taken for impossible from the start",
                "coalesce.py",
                "counts.n - before_lost >= counts.quorum\n",
                "counts.n - before_lost > counts.quorum\n",
            ),
        ),
    ),
    Obligation(
        "next_event",
        restated,
        Runs.CLAIM,
        "Whatever follows a hold or a wait, the proofs about the policy table cover it: so they cover every history of "
        "a barrier of any number of branches.",
        ("C3", "C4"),
        (Witness((Policy.QUORUM, Event.LOSS, Counts(4, 1, 1, 2), Event.ARRIVAL), Counts(4, 2, 1, 2)),),
        (_QUORUM_ONE_LATE, _LOSS_WAITS),
    ),
    Obligation(
        "earlier_event",
        restated,
        Runs.CLAIM,
        "The proofs about the policy table are about no other barriers: one that an earlier event would have resolved "
        "is not open later.",
        ("C4",),
        (Witness((Policy.QUORUM, Event.FLUSH, Counts(4, 1, 1, 2), Event.LOSS), Decision.WAIT),),
        (
            Mutant(
                "a barrier may be open although its quorum has arrived",
                "coalesce.py",
                "return before_arrived < counts.quorum and",
                "return before_arrived <= counts.quorum and",
            ),
        ),
    ),
    Obligation(
        "last_event",
        restated,
        Runs.CLAIM,
        "The event after which no branch is awaited decides: no barrier is ever left to a flush.",
        ("C4", "C12"),
        (Witness((Policy.BEST_EFFORT, Event.LOSS, Counts(3, 2, 1, 1)), Decision.MERGE),),
        (_LOSS_WAITS,),
    ),
    Obligation(
        "swapped_events",
        restated,
        Runs.CLAIM,
        "An arrival and a loss can come in either order: whether the barrier merges, fails or stays open is the same.",
        ("C3", "C4"),
        (Witness((Policy.FIRST, Counts(3, 0, 0, 1)), Decision.MERGE),),
        (
            Mutant(
                "a first barrier fails at any loss",
                "coalesce.py",
                "        (When.ALL_LOST, Decision.ALL_BRANCHES_LOST),\n        (When.ALWAYS, Decision.WAIT),\n",
                "        (When.ALWAYS, Decision.ALL_BRANCHES_LOST),\n",
            ),
        ),
    ),
    Obligation(
        "check_merge",
        coalesce,
        Runs.MACHINES,
        "A merge that the policy asked for fails for exactly one of four reasons, in the order in which they are asked.",
        ("C9",),
        (
            Witness((Strategy.UNION, True, True, False, False), None),
            Witness((Strategy.UNION, True, False, True, True), Reason.CONTRACT_CONFLICT),
            Witness((Strategy.UNION, True, True, True, False), Reason.UNION_COLLISION),
            Witness((Strategy.SELECT, False, False, True, True), Reason.SELECT_BRANCH_NOT_ARRIVED),
            Witness((Strategy.NESTED, True, False, True, True), Reason.MERGED_ROW_TOO_LARGE),
        ),
        (
            Mutant(
                "contracts are compared under every strategy",
                "coalesce.py",
                "if strategy is Strategy.UNION and not contracts_agree:",
                "if not contracts_agree:",
            ),
        ),
    ),
    Obligation(
        "keep",
        merging,
        Runs.APART,
        "Of the values that branches give one field, the first or the last in declared order is kept, and a conflict "
        "once seen is never forgotten.",
        ("C9",),
        (
            Witness((FieldFold(), 0, 7, False), FieldFold(0, 7, 1, False)),
            Witness((FieldFold(0, 7, 1, False), 1, 8, False), FieldFold(1, 8, 2, True)),
            Witness((FieldFold(0, 7, 1, False), 1, 8, True), FieldFold(0, 7, 2, True)),
            Witness((FieldFold(1, 7, 2, False), 2, 7, False), FieldFold(2, 7, 3, False)),
        ),
        (
            _CONFLICT_FORGOTTEN,
            Mutant(
                "the last giver always wins",
                "merging.py",
                "if fold.givers > 0 and first_wins:",
                "if fold.givers < 0 and first_wins:",
            ),
        ),
    ),
    Obligation(
        "keep_two",
        restated,
        Runs.APART,
        "The order of two branches decides which value is kept, never whether they are in conflict; so it is of any "
        "number of branches.",
        ("C9",),
        (Witness((FieldFold(0, 7, 1, False), 1, 8, 2, 8, False), FieldFold(2, 8, 3, True)),),
        (_CONFLICT_FORGOTTEN,),
    ),
    Obligation(
        "next_phase",
        kernels,
        Runs.MACHINES,
        "A token that has ended does nothing more, and every other token can end. A visit, a hold or a membership of a "
        "batch begins only where none is open, and a token goes on only from a visit or a batch.",
        ("F1", "F3", "V3"),
        (
            Witness((Phase.READY, Move.BEGIN), Phase.VISITING),
            Witness((Phase.HELD, Move.END), Phase.ENDED),
            Witness((Phase.ENDED, Move.END), None),
        ),
        (
            Mutant(
                "a held token meets its fate twice",
                "kernels.py",
                "(Phase.HELD, Move.END): Phase.ENDED,",
                "(Phase.HELD, Move.END): Phase.ENDED,\n    (Phase.ENDED, Move.END): Phase.ENDED,",
            ),
            Mutant(
                "a token leaves a coalesce without being merged",
                "kernels.py",
                "(Phase.VISITING, Move.HOP): Phase.READY,",
                "(Phase.VISITING, Move.HOP): Phase.READY,\n    (Phase.HELD, Move.HOP): Phase.READY,",
            ),
            Mutant(
                "a visit begins while the token is held",
                "kernels.py",
                "(Phase.READY, Move.BEGIN): Phase.VISITING,",
                "(Phase.READY, Move.BEGIN): Phase.VISITING,\n    (Phase.HELD, Move.BEGIN): Phase.VISITING,",
            ),
        ),
    ),
    Obligation(
        "same_line",
        kernels,
        Runs.MACHINES,
        "A parent of a merge is refused exactly when it is of another run, else of another row, else of another fork.",
        ("L2", "L3", "C2"),
        (
            Witness((Line(1, 2, 3), Line(1, 2, 3)), None),
            Witness((Line(1, 2, 3), Line(9, 9, 3)), Refusal.OTHER_RUN),
            Witness((Line(1, 2, 3), Line(1, 9, 9)), Refusal.OTHER_ROW),
            Witness((Line(1, 2, 3), Line(1, 2, 9)), Refusal.NOT_ONE_FORK),
        ),
        (
            _ROW_NOT_COMPARED,
            Mutant(
                "parents may be of another run",
                "kernels.py",
                "if parent.run != line.run:",
                "if parent.run != parent.run:",
            ),
        ),
    ),
    Obligation(
        "two_parents",
        restated,
        Runs.CLAIM,
        "Parents that pass one by one are of one run, one row and one fork among themselves; so are any number of them.",
        ("L2", "L3", "C2"),
        (Witness((Line(1, 2, 3), Line(1, 2, 3), Line(1, 2, 3)), None),),
        (_ROW_NOT_COMPARED,),
    ),
    Obligation(
        "mark_on_arrival",
        kernels,
        Runs.MACHINES,
        "An arrival makes an awaited branch held, or late once its barrier is resolved. A branch that has arrived or is "
        "lost is refused. Each branch has its own mark, so this is true of any number of branches.",
        ("C6", "C8", "C10"),
        (
            Witness((Mark.AWAITED, False), Mark.HELD),
            Witness((Mark.AWAITED, True), Mark.LATE),
            Witness((Mark.HELD, False), Refusal.BRANCH_HELD),
            Witness((Mark.LOST, True), Refusal.BRANCH_LOST),
        ),
        (
            Mutant(
                "a late arrival is held",
                "kernels.py",
                "return Mark.LATE if resolved else Mark.HELD",
                "return Mark.HELD",
            ),
            Mutant(
                "a branch may arrive although it is lost",
                "kernels.py",
                "        return Refusal.BRANCH_LOST if mark is Mark.LOST else Refusal.BRANCH_HELD\n    return Mark.LATE",
                "        return Mark.HELD if mark is Mark.LOST else Refusal.BRANCH_HELD\n    return Mark.LATE",
            ),
        ),
    ),
    Obligation(
        "mark_on_loss",
        kernels,
        Runs.MACHINES,
        "A loss makes an awaited branch lost, and changes nothing once its barrier is resolved. A branch that has arrived "
        "or is lost is refused.",
        ("C6", "C8", "C10"),
        (
            Witness((Mark.AWAITED, False), Mark.LOST),
            Witness((Mark.AWAITED, True), Mark.AWAITED),
            Witness((Mark.MERGED, True), Refusal.BRANCH_HELD),
        ),
        (
            Mutant(
                "a loss after the resolution is marked",
                "kernels.py",
                "return Mark.AWAITED if resolved else Mark.LOST",
                "return Mark.LOST",
            ),
        ),
    ),
    Obligation(
        "mark_on_resolution",
        kernels,
        Runs.MACHINES,
        "A resolution merges or fails every branch that was held, changes no other, and leaves nothing held.",
        ("C7", "C8", "C10"),
        (
            Witness((Mark.HELD, BarrierVerdict.MERGED), Mark.MERGED),
            Witness((Mark.HELD, BarrierVerdict.FAILED), Mark.FAILED),
            Witness((Mark.LOST, BarrierVerdict.MERGED), Mark.LOST),
        ),
        (
            Mutant(
                "a failed barrier leaves its branches held",
                "kernels.py",
                "return Mark.MERGED if verdict is BarrierVerdict.MERGED else Mark.FAILED",
                "return Mark.MERGED if verdict is BarrierVerdict.MERGED else Mark.HELD",
            ),
        ),
    ),
    Obligation(
        "deadline_of",
        deadlines,
        Runs.APART,
        "A deadline is the first event's time plus the timeout, and so lies after it.",
        ("C11",),
        (Witness((1_000, 250), 1_250),),
        (
            Mutant(
                "the timeout is counted backwards",
                "deadlines.py",
                "return first_at + timeout",
                "return first_at - timeout",
            ),
        ),
    ),
    Obligation(
        "expired",
        deadlines,
        Runs.APART,
        "A hold has expired from the very millisecond at which it has lasted its timeout, and not before.",
        ("C11",),
        (Witness((1_250, 1_000, 250), True), Witness((1_249, 1_000, 250), False)),
        (
            Mutant(
                "at the deadline itself it is still too early",
                "deadlines.py",
                "return now >= deadline_of(first_at, timeout)",
                "return now > deadline_of(first_at, timeout)",
            ),
        ),
    ),
    Obligation(
        "resolved_before",
        deadlines,
        Runs.APART,
        "Of two expired holds, exactly one is resolved before the other: that of the earlier deadline, else the one "
        "that is flushed first.",
        ("C11", "D1"),
        (Witness((5, 1, 5, 2), True), Witness((6, 1, 5, 2), False)),
        (_ORDER_IGNORED,),
    ),
    Obligation(
        "three_holds",
        restated,
        Runs.APART,
        "Being resolved before is transitive, so any number of expired holds has one order.",
        ("C11", "D1"),
        (Witness((5, 1, 5, 2, 6, 0), True),),
        (
            Mutant(
                "neighbouring deadlines are compared by flush order alone",
                "deadlines.py",
                "return (deadline, order) < (other_deadline, other_order)",
                "return deadline < other_deadline - 1 or (deadline <= other_deadline + 1 and order < other_order)",
            ),
        ),
    ),
)
"""In the order in which they are printed: the policy, the merge, the token, lineage, the barrier, time."""

BY_NAME: Final = {obligation.name: obligation for obligation in OBLIGATIONS}

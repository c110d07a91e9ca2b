"""The small total functions on which the machines run: what a token may do, what becomes of a branch, and lineage.

Each is written so that CrossHair confirms its contract: integers, `StrEnum`s and named tuples, no strings, no sets, no
loops of unknown length. The machines call these very functions, so what is proved is what runs. A claim about one
branch or one parent becomes a claim about any number of them by induction, because each has its own mark or line. Not
here: the coalesce policy (`coalesce.py`), the merge of data (`merging.py`) and deadlines (`deadlines.py`), which have
kernels of their own.
"""

from enum import StrEnum
from typing import Final, NamedTuple

from .words import BarrierVerdict, Refusal


class Phase(StrEnum):
    """Where a token stands. It is READY at the head of its latest hop, and ENDED once it has met its fate."""

    READY = "ready"
    VISITING = "visiting"
    HELD = "held"
    BUFFERED = "buffered"
    ENDED = "ended"


class Move(StrEnum):
    """What can happen to a token."""

    BEGIN = "begin"
    ARRIVE = "arrive"
    ACCEPT = "accept"
    HOP = "hop"
    RETRY = "retry"
    END = "end"


PHASES: Final[dict[tuple[Phase, Move], Phase]] = {
    (Phase.READY, Move.BEGIN): Phase.VISITING,
    (Phase.READY, Move.ARRIVE): Phase.HELD,
    (Phase.READY, Move.ACCEPT): Phase.BUFFERED,
    (Phase.READY, Move.END): Phase.ENDED,
    (Phase.VISITING, Move.HOP): Phase.READY,
    (Phase.VISITING, Move.RETRY): Phase.VISITING,
    (Phase.VISITING, Move.END): Phase.ENDED,
    (Phase.HELD, Move.END): Phase.ENDED,
    (Phase.BUFFERED, Move.HOP): Phase.READY,
    (Phase.BUFFERED, Move.END): Phase.ENDED,
}

REFUSED_IN: Final[dict[Phase, Refusal]] = {
    Phase.READY: Refusal.NOT_VISITING,
    Phase.VISITING: Refusal.ALREADY_VISITING,
    Phase.HELD: Refusal.ALREADY_VISITING,
    Phase.BUFFERED: Refusal.ALREADY_VISITING,
    Phase.ENDED: Refusal.HAS_FATE,
}


def next_phase(phase: Phase, move: Move) -> Phase | None:
    """Where a move takes a token, or None where the law forbids the move.

    pre: True
    post: phase is not Phase.ENDED or __return__ is None
    post: move is not Move.END or (__return__ is None) == (phase is Phase.ENDED)
    post: move not in (Move.BEGIN, Move.ARRIVE, Move.ACCEPT) or (__return__ is None) == (phase is not Phase.READY)
    post: move is not Move.HOP or (__return__ is None) == (phase not in (Phase.VISITING, Phase.BUFFERED))
    post: move is not Move.RETRY or (__return__ is None) == (phase is not Phase.VISITING)
    post: __return__ is None or (__return__ is Phase.ENDED) == (move is Move.END)
    post: __return__ is None or (__return__ is Phase.READY) == (move is Move.HOP)
    post: __return__ is None or (__return__ is Phase.HELD) == (move is Move.ARRIVE)
    post: __return__ is None or (__return__ is Phase.BUFFERED) == (move is Move.ACCEPT)
    """
    return PHASES.get((phase, move))


class Mark(StrEnum):
    """Where one branch of a barrier stands."""

    AWAITED = "awaited"
    HELD = "held"
    MERGED = "merged"
    FAILED = "failed"
    LATE = "late"
    LOST = "lost"


def fits(mark: Mark, resolved: bool) -> bool:
    """Whether a branch can stand there. A resolved barrier holds nothing; an open one has let nothing go."""
    return mark is not Mark.HELD if resolved else mark in (Mark.AWAITED, Mark.HELD, Mark.LOST)


def mark_on_arrival(mark: Mark, resolved: bool) -> Mark | Refusal:
    """What an arrival makes of its branch. A branch arrives once or is lost once; after the resolution it is late.

    pre: fits(mark, resolved)
    post: (__return__ is Refusal.BRANCH_LOST) == (mark is Mark.LOST)
    post: (__return__ is Refusal.BRANCH_HELD) == (mark is not Mark.LOST and mark is not Mark.AWAITED)
    post: (__return__ is Mark.HELD) == (mark is Mark.AWAITED and not resolved)
    post: (__return__ is Mark.LATE) == (mark is Mark.AWAITED and resolved)
    post: __return__ in (Refusal.BRANCH_LOST, Refusal.BRANCH_HELD) or fits(__return__, resolved)
    """
    if mark is not Mark.AWAITED:
        return Refusal.BRANCH_LOST if mark is Mark.LOST else Refusal.BRANCH_HELD
    return Mark.LATE if resolved else Mark.HELD


def mark_on_loss(mark: Mark, resolved: bool) -> Mark | Refusal:
    """What a loss makes of its branch. After the resolution it changes nothing.

    pre: fits(mark, resolved)
    post: (__return__ is Refusal.BRANCH_LOST) == (mark is Mark.LOST)
    post: (__return__ is Refusal.BRANCH_HELD) == (mark is not Mark.LOST and mark is not Mark.AWAITED)
    post: (__return__ is Mark.LOST) == (mark is Mark.AWAITED and not resolved)
    post: (__return__ is Mark.AWAITED) == (mark is Mark.AWAITED and resolved)
    post: __return__ in (Refusal.BRANCH_LOST, Refusal.BRANCH_HELD) or fits(__return__, resolved)
    """
    if mark is not Mark.AWAITED:
        return Refusal.BRANCH_LOST if mark is Mark.LOST else Refusal.BRANCH_HELD
    return Mark.AWAITED if resolved else Mark.LOST


def mark_on_resolution(mark: Mark, verdict: BarrierVerdict) -> Mark:
    """What the resolution makes of each branch: what was held is merged or failed, and no other branch changes.

    pre: fits(mark, False)
    post: fits(__return__, True)
    post: (__return__ is Mark.MERGED) == (mark is Mark.HELD and verdict is BarrierVerdict.MERGED)
    post: (__return__ is Mark.FAILED) == (mark is Mark.HELD and verdict is BarrierVerdict.FAILED)
    post: mark is Mark.HELD or __return__ is mark
    """
    if mark is not Mark.HELD:
        return mark
    return Mark.MERGED if verdict is BarrierVerdict.MERGED else Mark.FAILED


class Line(NamedTuple):
    """What a lineage link must not cross: the run, the row, and for a merge the fork its parents are branches of."""

    run: int
    row: int
    fork: int


def same_line(line: Line, parent: Line) -> Refusal | None:
    """One step of the fold over the parents of a merge: any number of parents follows by induction.

    pre: True
    post: (__return__ is None) == (parent == line)
    post: (__return__ is Refusal.OTHER_RUN) == (parent.run != line.run)
    post: (__return__ is Refusal.OTHER_ROW) == (parent.run == line.run and parent.row != line.row)
    post: __return__ in (None, Refusal.OTHER_RUN, Refusal.OTHER_ROW, Refusal.NOT_ONE_FORK)
    """
    if parent.run != line.run:
        return Refusal.OTHER_RUN
    if parent.row != line.row:
        return Refusal.OTHER_ROW
    if parent.fork != line.fork:
        return Refusal.NOT_ONE_FORK
    return None

"""The small total functions under the machines: the token's phases, and lineage and deadline arithmetic.

Each is written so that CrossHair confirms its contract for unbounded integers: integers, `StrEnum`s and named tuples,
no strings, no sets, no loops of unknown length (an unbounded number of parents follows by induction over `same_line`).
The machines ask `next_phase` and `same_line`, and law C8 asks `balanced`; `advance`, the tallies and the arithmetic of
deadlines are the same facts as total functions, for proofs and for the domain of law C11. Not here: the coalesce policy
(`coalesce.py`) and the merge of data (`merging.py`), which have kernels of their own.
"""

from enum import StrEnum
from typing import Final, NamedTuple

from .words import Refusal


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


class Standing(NamedTuple):
    """A token reduced to what its lifecycle is about: its phase, its terminal outcomes, its open visits."""

    phase: Phase
    fates: int
    open_visits: int


def consistent(standing: Standing) -> bool:
    """One fate exactly when ended; one open visit exactly when visiting, held or buffered."""
    return standing.fates == (1 if standing.phase is Phase.ENDED else 0) and standing.open_visits == (
        0 if standing.phase is Phase.READY or standing.phase is Phase.ENDED else 1
    )


def next_phase(phase: Phase, move: Move) -> Phase | None:
    """Where a move takes a token, or None where the law forbids the move."""
    return PHASES.get((phase, move))


def advance(standing: Standing, move: Move) -> Standing | None:
    """One move of one token, with what it does to fates and open visits; None is a refusal.

    pre: consistent(standing)
    post: __return__ is None or consistent(__return__)
    post: standing.phase is not Phase.ENDED or __return__ is None
    post: __return__ is None or __return__.fates == standing.fates + (1 if move is Move.END else 0)
    post: move is not Move.END or (__return__ is None) == (standing.phase is Phase.ENDED)
    post: move not in (Move.BEGIN, Move.ARRIVE, Move.ACCEPT) or (__return__ is None) == (standing.phase is not Phase.READY)
    post: move is not Move.HOP or (__return__ is None) == (standing.phase not in (Phase.VISITING, Phase.BUFFERED))
    post: move is not Move.RETRY or (__return__ is None) == (standing.phase is not Phase.VISITING)
    post: __return__ is None or (__return__.phase is Phase.ENDED) == (move is Move.END)
    post: __return__ is None or (__return__.phase is Phase.READY) == (move is Move.HOP)
    post: __return__ is None or (__return__.phase is Phase.HELD) == (move is Move.ARRIVE)
    post: __return__ is None or (__return__.phase is Phase.BUFFERED) == (move is Move.ACCEPT)
    """
    phase = next_phase(standing.phase, move)
    if phase is None:
        return None
    opens = 0 if phase is Phase.READY or phase is Phase.ENDED else 1
    return Standing(phase, standing.fates + (1 if phase is Phase.ENDED else 0), opens)


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


class Tally(NamedTuple):
    """A barrier's branches as numbers: each is awaited, held, let go (merged, failed or late), or lost."""

    n: int
    awaited: int
    held: int
    gone: int
    lost: int
    resolved: bool


def balanced(tally: Tally) -> bool:
    """Every branch is in exactly one place; a resolved barrier holds nothing, an open one has let nothing go."""
    return (
        min(tally.awaited, tally.held, tally.gone, tally.lost) >= 0
        and tally.n >= 2
        and tally.n == tally.awaited + tally.held + tally.gone + tally.lost
        and (tally.held == 0 if tally.resolved else tally.gone == 0)
    )


def tally_arrival(tally: Tally, resolves: bool) -> Tally:
    """An awaited branch arrives; `resolves` is the verdict on an open barrier. A resolved one lets it go as late.

    pre: balanced(tally) and tally.awaited >= 1
    post: balanced(__return__)
    post: __return__.n == tally.n and __return__.awaited == tally.awaited - 1 and __return__.lost == tally.lost
    post: __return__.resolved == (tally.resolved or resolves)
    post: not __return__.resolved or __return__.gone == tally.gone + tally.held + 1
    """
    if tally.resolved:
        return tally._replace(awaited=tally.awaited - 1, gone=tally.gone + 1)
    if resolves:
        return Tally(tally.n, tally.awaited - 1, 0, tally.held + 1, tally.lost, True)
    return tally._replace(awaited=tally.awaited - 1, held=tally.held + 1)


def tally_loss(tally: Tally, resolves: bool) -> Tally:
    """An awaited branch is lost; a loss after the resolution leaves no record.

    pre: balanced(tally) and tally.awaited >= 1
    post: balanced(__return__)
    post: __return__.n == tally.n and __return__.resolved == (tally.resolved or resolves)
    post: not tally.resolved or __return__ == tally
    post: tally.resolved or __return__.awaited == tally.awaited - 1 and __return__.lost == tally.lost + 1
    post: not __return__.resolved or __return__.gone == tally.gone + tally.held
    """
    if tally.resolved:
        return tally
    if resolves:
        return Tally(tally.n, tally.awaited - 1, 0, tally.held, tally.lost + 1, True)
    return tally._replace(awaited=tally.awaited - 1, lost=tally.lost + 1)


def deadline_of(first_at: int, timeout: int) -> int:
    """When a barrier's or a batch's time is up, in milliseconds: counted from its first event.

    pre: timeout > 0
    post: __return__ > first_at
    post: __return__ - first_at == timeout
    """
    return first_at + timeout


def expired(now: int, first_at: int, timeout: int) -> bool:
    """Whether an engine that looks at the clock now must resolve it. At the deadline itself, it must.

    pre: timeout > 0 and now >= first_at
    post: __return__ == (now - first_at >= timeout)
    """
    return now >= deadline_of(first_at, timeout)


def resolved_before(deadline: int, order: int, other_deadline: int, other_order: int) -> bool:
    """Of two expired holds, whether the first is resolved before the second: by deadline, then in flush order.

    pre: deadline != other_deadline or order != other_order
    post: deadline == other_deadline or __return__ == (deadline < other_deadline)
    post: deadline != other_deadline or __return__ == (order < other_order)
    """
    return (deadline, order) < (other_deadline, other_order)

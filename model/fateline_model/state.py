"""What the law remembers of a run: flat, frozen, and nothing that the trail does not tell.

Names inside a row are relative: the root token is the empty name, its child on branch `b` is `/b`, the merge of its
fork at `j` is `/j`, child 0 of its expansion is `.0`. So two rows that went the same way have equal states, wherever
they stand in the source; `full` puts the row in front. A token's stack is what it owes, the innermost frame last. An
ended token keeps only its fate; a forked one also its gate and its stack, the debt that its barrier now holds.

Not here: how a state changes (`draft.py`), or may change (`machine.py`, `lifecycle.py`).
"""

from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from .coalesce import Counts
from .kernels import Mark, Phase
from .words import BarrierVerdict, BatchStatus, GroupKind, Outcome, RunStatus, Trigger


class Via(StrEnum):
    """By which kind of edge a token came to a sink: it decides which fate a write there gives."""

    PLAIN = "plain"
    ROUTE = "route"
    ERROR = "error"
    INVALID = "invalid"


class Frame(NamedTuple):
    """A debt: this branch of the fork of that token is owed to the coalesce that joins it."""

    fork: str
    branch: str


class Token(NamedTuple):
    name: str
    made: GroupKind | None = None
    node: str = ""
    phase: Phase = Phase.READY
    via: Via = Via.PLAIN
    attempt: int = 0
    tries: int = 0
    stack: tuple[Frame, ...] = ()
    fate: Outcome | None = None
    batch: str | None = None


class Barrier(NamedTuple):
    """One fork's tokens at one coalesce. It exists from its first event; `marks` is in declared order of branches."""

    node: str
    fork: str
    marks: tuple[Mark, ...]
    verdict: BarrierVerdict | None = None

    def counts(self, quorum: int | None) -> Counts:
        """The numbers that the policy asks about."""
        return Counts(len(self.marks), self.marks.count(Mark.HELD), self.marks.count(Mark.LOST), quorum or 1)


class Row(NamedTuple):
    number: int
    tokens: tuple[Token, ...] = ()
    barriers: tuple[Barrier, ...] = ()


class Batch(NamedTuple):
    """Members are full names, in the order of acceptance; a batch that has ended keeps none."""

    node: str
    number: int
    status: BatchStatus = BatchStatus.OPEN
    trigger: Trigger | None = None
    members: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.node}#{self.number}"


class Run(NamedTuple):
    """One run: `rows` holds those that were read, in order of their number."""

    name: str = "r"
    status: RunStatus = RunStatus.RUNNING
    source_ended: bool = False
    rows: tuple[Row, ...] = ()
    batches: tuple[Batch, ...] = ()


LARGEST_ROW: Final = 10**15


def full(row: int, name: str) -> str:
    """The name of a token in its run."""
    return f"{row}{name}"


@lru_cache(maxsize=65536)
def split(name: str) -> tuple[int, str] | None:
    """The row and the name within it; None for what cannot be a token's name."""
    digits = len(name) - len(name.lstrip("0123456789"))
    if not 0 < digits < 17 or (digits > 1 and name[0] == "0"):
        return None
    return int(name[:digits]), name[digits:]


def barrier_name(row: int, barrier: Barrier) -> str:
    """The name of a barrier: its coalesce and the token whose fork it joins."""
    return f"{barrier.node}@{full(row, barrier.fork)}"

"""The state of a run in the law: flat, frozen, and nothing that the trail does not record.

Names inside a row are relative: the root token is the empty name, its child on branch `b` is `/b`, the merge of its
fork at `j` is `/j`, child 0 of its expansion is `.0`. So two rows with the same history have equal states, whatever their
numbers; `token_name` puts the row in front. A token's stack lists what the token owes, the innermost frame last. An ended
token keeps only its fate. A forked token also keeps its gate and its stack, which is the debt that its barrier now holds.

Not here: how a state changes (`step_builder.py`), or may change (`machine.py`, `lifecycle.py`).
"""

from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from .coalesce import Counts
from .kernels import Mark, Phase
from .words import BarrierVerdict, BatchStatus, GroupKind, Outcome, RunStatus, Trigger


class Via(StrEnum):
    """The kind of edge by which a token came to a sink. It decides which fate a write there gives."""

    PLAIN = "plain"
    ROUTE = "route"
    ERROR = "error"
    INVALID = "invalid"


class Frame(NamedTuple):
    """A debt: the token owes this branch of that token's fork to the coalesce that joins the branch."""

    fork: str
    branch: str


class Token(NamedTuple):
    """One instance of a row on one path through the graph: where it is, what it owes, and its fate.

    `attempt` numbers its visits at a node. `tries` counts only those that were not interrupted by a crash; the retries
    of a node are counted by it.
    """

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
    """One fork's tokens at one coalesce. A barrier exists from its first event; `marks` is in declared order of branches."""

    node: str
    fork: str
    marks: tuple[Mark, ...]
    verdict: BarrierVerdict | None = None

    def counts(self, quorum: int | None) -> Counts:
        """The numbers that the policy decides on."""
        return Counts(len(self.marks), self.marks.count(Mark.HELD), self.marks.count(Mark.LOST), quorum or 1)


class Row(NamedTuple):
    """One row of the source, with all tokens that came from it and the barriers at which they met."""

    number: int
    tokens: tuple[Token, ...] = ()
    barriers: tuple[Barrier, ...] = ()


class Batch(NamedTuple):
    """Members are full names, in the order of acceptance. A batch that has ended keeps no members."""

    node: str
    number: int
    status: BatchStatus = BatchStatus.OPEN
    trigger: Trigger | None = None
    members: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.node}#{self.number}"


class Run(NamedTuple):
    """One run: `rows` holds the rows that were read, in order of their numbers."""

    name: str = "r"
    status: RunStatus = RunStatus.RUNNING
    source_ended: bool = False
    rows: tuple[Row, ...] = ()
    batches: tuple[Batch, ...] = ()


LARGEST_ROW: Final = 10**15


def token_name(row: int, name: str) -> str:
    """The name of a token in its run."""
    return f"{row}{name}"


@lru_cache(maxsize=65536)
def parse_token_name(name: str) -> tuple[int, str] | None:
    """The row and the name within the row, or None if a token cannot have this name."""
    digits = len(name) - len(name.lstrip("0123456789"))
    if not 0 < digits < 17 or (digits > 1 and name[0] == "0"):
        return None
    return int(name[:digits]), name[digits:]


def barrier_name(row: int, barrier: Barrier) -> str:
    """The name of a barrier: its coalesce and the token whose fork it joins."""
    return f"{barrier.node}@{token_name(row, barrier.fork)}"

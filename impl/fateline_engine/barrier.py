"""`Barrier`: tokens that are held under a key until a release rule decides about them.

Coalesce and aggregation share this code. It opens the held visits, keeps the deadline, closes all visits as completed, or
fails everything that is held in one way: every visit is closed as failed, and every token gets the outcome `failed` with
the same reason and error. No other code fails a held token. Not here: the release rules (`coalesce.py`, `aggregation.py`),
and any memory of what was released: that is in the trail.
"""

from collections.abc import Hashable, Iterable

from fateline_engine.compiled_graph import NodeRef
from fateline_engine.state import Live, RunState
from fateline_engine.verdict import expired
from fateline_engine.words import LossReason, Outcome, Reason, VisitStatus

Slot = int | str


class Holding:
    """What is held under one key, from the first event to the release."""

    __slots__ = ("deadline", "first_at", "held", "key", "node")

    def __init__(self, node: NodeRef, key: tuple[int, ...], first_at: int, timeout: int | None) -> None:
        self.node = node
        self.key = key
        self.held: dict[Slot, Live] = {}
        """By branch, or by position in the batch."""
        self.first_at = first_at
        self.deadline = None if timeout is None else first_at + timeout

    @property
    def turn(self) -> tuple[int, int, tuple[int, ...]]:
        """Its position among those that come due at one look at the clock."""
        return self.deadline or 0, self.node.rank, self.key


class Barrier:
    """Everything that is held at one node."""

    def __init__(self, state: RunState, node: NodeRef, timeout: int | None) -> None:
        self.state = state
        self.node = node
        self.timeout = timeout
        self.open: dict[Hashable, Holding] = {}

    def held_by(self, live: Live, holding: Holding, slot: Slot) -> None:
        """The token arrives: its visit is opened as held."""
        self.state.begin(live, VisitStatus.HELD)
        holding.held[slot] = live

    def complete(self, lives: Iterable[Live]) -> None:
        """Every held visit is closed as completed; the tokens are free for what follows in this step."""
        for live in lives:
            self.state.close(live, VisitStatus.COMPLETED, None)

    def fail(
        self,
        lives: Iterable[Live],
        reason: Reason,
        text: str,
        *,
        batch: tuple[int, int] | None = None,
        loss: LossReason | None = None,
    ) -> None:
        """Everything that is held fails together."""
        error = self.state.keep_error(text)
        for live in list(lives):
            self.state.close(live, VisitStatus.FAILED, None, error=error)
            self.state.end(live, Outcome.FAILED, error=error, reason=reason, batch=batch, loss=loss)

    def due(self, now: int) -> list[Holding]:
        """What has come due. All timeouts of a node are equal, so the oldest come first and the search ends early."""
        found = []
        for holding in self.open.values():
            if holding.deadline is None or not expired(holding.deadline, now):
                break
            found.append(holding)
        return found

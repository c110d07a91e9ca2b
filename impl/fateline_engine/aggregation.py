"""`AggregationExecutor`: the release rule that turns many tokens into a batch.

It accepts tokens, triggers batches and ends them, for one aggregation. A batch is first open, then triggered (by count,
timeout, condition or end of source, whichever comes first), then flushed by one verdict that closes every member's visit.
At most one batch is open and one triggered. Held tokens fail through the one method of `Barrier`. Not here: the batch
transform (`processor.py` asks it), and when nothing more can arrive (`schedule.py`).
"""

from collections.abc import Sequence

from fateline_engine.barrier import Barrier, Holding
from fateline_engine.compiled_graph import NodeRef
from fateline_engine.errors import LimitExceeded, Refused
from fateline_engine.rows import PipelineRow
from fateline_engine.settings import CONTINUE, BatchMode
from fateline_engine.state import Live, RunState
from fateline_engine.token_manager import TokenManager
from fateline_engine.words import (
    BatchStatus,
    LossReason,
    Outcome,
    Reason,
    Refusal,
    Trigger,
)


class Batch(Holding):
    """One batch: its members in the order in which they were accepted."""

    __slots__ = ("attempt", "number", "trigger", "triggered_at")

    def __init__(self, node: NodeRef, number: int, first_at: int, timeout: int | None) -> None:
        super().__init__(node, (number,), first_at, timeout)
        self.number = number
        self.attempt = 0
        self.trigger: Trigger | None = None
        self.triggered_at = 0

    @property
    def members(self) -> list[Live]:
        return list(self.held.values())

    @property
    def name(self) -> str:
        return f"{self.node.name}#{self.number}"


class AggregationExecutor(Barrier):
    """The batches of one aggregation: `open` has the batch that accepts tokens, `triggered` the one that awaits its flush."""

    open: dict[int, Batch]  # type: ignore[assignment]

    def __init__(self, state: RunState, tokens: TokenManager, node: NodeRef) -> None:
        settings = state.compiled.graph.aggregation(node.name)
        super().__init__(state, node, settings.timeout_ms)
        self.settings = settings
        self.tokens = tokens
        self.triggered: Batch | None = None
        self.next_number = 0

    @property
    def accepting(self) -> Batch | None:
        return next(iter(self.open.values()), None)

    def accept(self, live: Live) -> None:
        """A token joins the open batch, or opens one. It may complete the count of the batch."""
        batch = self.accepting
        full = self._would_close()
        if full and self.triggered is not None:
            raise Refused(Refusal.BATCH_AWAITS_FLUSH, f"{self.triggered.name} awaits its flush")
        recorder = self.state.recorder
        if batch is None:
            batch = Batch(self.node, self.next_number, recorder.at, self.timeout)
            self.next_number += 1
            self.open[batch.number] = batch
            recorder.open_batch(self.node.number, batch.number)
        ordinal = len(batch.held)
        self.held_by(live, batch, ordinal)
        recorder.member(self.node.number, batch.number, ordinal, live.info.row, live.info.token)
        self.state.counts[Outcome.BUFFERED] += 1
        if full:
            self._trigger(batch, Trigger.COUNT)

    def deadline(self, number: int) -> None:
        """The deadline of the open batch has passed."""
        batch = self.may_trigger(number)
        if self.timeout is None:
            raise Refused(Refusal.NO_DEADLINE, f"{self.node.name} has no timeout")
        self._trigger(batch, Trigger.TIMEOUT)

    def condition(self, number: int) -> None:
        """The condition of the open batch is true."""
        batch = self.may_trigger(number)
        if self.settings.condition is None:
            raise Refused(Refusal.NO_CONDITION, f"{self.node.name} has no condition")
        self._trigger(batch, Trigger.CONDITION)

    def flush(self, number: int) -> None:
        """The source has ended and nothing more can arrive."""
        self._trigger(self.may_trigger(number), Trigger.END_OF_SOURCE)

    def has_room(self) -> bool:
        """Whether a token can be accepted. It must not close a batch while another awaits its flush."""
        return self.triggered is None or not self._would_close()

    def _would_close(self) -> bool:
        batch = self.accepting
        return self.settings.count is not None and (len(batch.held) if batch else 0) + 1 >= self.settings.count

    def begin_again(self) -> None:
        """After a crash: the flush of a triggered batch may have been under edge, and is run again."""
        if self.triggered is not None:
            self.triggered.attempt += 1
            self._record(self.triggered, BatchStatus.TRIGGERED, None)

    def may_trigger(self, number: int) -> Batch:
        """The open batch of this number."""
        batch = self.open.get(number)
        if batch is None:
            if number < self.next_number:
                raise Refused(Refusal.BATCH_NOT_OPEN, f"{self.node.name}#{number} is closed to triggers")
            raise Refused(Refusal.UNKNOWN_BATCH, f"there is no batch {self.node.name}#{number}")
        return batch

    def _trigger(self, batch: Batch, trigger: Trigger) -> None:
        if self.triggered is not None:
            raise Refused(Refusal.BATCH_AWAITS_FLUSH, f"{self.triggered.name} awaits its flush")
        del self.open[batch.number]
        batch.trigger, batch.triggered_at = trigger, self.state.recorder.at
        self.triggered = batch
        self._record(batch, BatchStatus.TRIGGERED, None)

    def _record(self, batch: Batch, status: BatchStatus, outputs: int | None) -> None:
        assert batch.trigger is not None
        self.state.recorder.change_batch(
            self.node.number, batch.number, status, batch.trigger, outputs, batch.attempt, batch.triggered_at
        )

    # The end of a batch

    def awaiting(self, number: int) -> Batch:
        """The triggered batch, which must have this number."""
        if self.triggered is None or self.triggered.number != number:
            if number in self.open:
                raise Refused(Refusal.BATCH_NOT_TRIGGERED, f"{self.node.name}#{number} has not been triggered")
            if number < self.next_number:
                raise Refused(Refusal.BATCH_NOT_TRIGGERED, f"{self.node.name}#{number} has ended")
            raise Refused(Refusal.UNKNOWN_BATCH, f"there is no batch {self.node.name}#{number}")
        return self.triggered

    def flushed(self, batch: Batch, rows: Sequence[PipelineRow]) -> None:
        """The batch transform gave these rows: new tokens, or new data of the members. Without rows, all are discarded."""
        edge = self.node.edges[CONTINUE]
        if self.settings.mode is BatchMode.PASSTHROUGH:
            self._passed(batch, rows)
        elif not rows:
            self._empty(batch)
        else:
            try:
                for row in rows:
                    self.tokens.fits(row, f"an output of {batch.name}")
                self.tokens.fans_out(len(rows), f"outputs of {batch.name}")
            except LimitExceeded as exceeded:
                self.failed(batch, str(exceeded))
                return
            self.complete(batch.members)
            self.tokens.outputs(batch.members, (self.node.number, batch.number), rows, edge)
            self._end(batch, BatchStatus.COMPLETED, len(rows))

    def _passed(self, batch: Batch, rows: Sequence[PipelineRow]) -> None:
        if len(rows) != len(batch.held):
            message = f"{batch.name}: {len(rows)} rows for {len(batch.held)} members; passthrough needs one for each"
            self.failed(batch, message)
            return
        edge = self.node.edges[CONTINUE]
        for live, data in zip(batch.members, rows, strict=True):
            self.state.close_with(live, None, edge, data, self.tokens.contract_number(data.contract))
            self.state.hop(live, edge)
        self._end(batch, BatchStatus.COMPLETED, None)

    def _empty(self, batch: Batch) -> None:
        self.complete(batch.members)
        key = (self.node.number, batch.number)
        for live in batch.members:
            self.state.end(live, Outcome.DISCARDED, reason=Reason.EMPTY_BATCH, batch=key, loss=LossReason.DISCARDED)
        self._end(batch, BatchStatus.COMPLETED, 0)

    def failed(self, batch: Batch, text: str) -> None:
        """The flush failed: every member fails, in member order, and loses the branch that it owes."""
        key = (self.node.number, batch.number)
        self.fail(batch.members, Reason.BATCH_FAILED, text, batch=key, loss=LossReason.FAILED)
        self._end(batch, BatchStatus.FAILED, None)

    def _end(self, batch: Batch, status: BatchStatus, outputs: int | None) -> None:
        self.triggered = None
        self._record(batch, status, outputs)

"""`CoalesceExecutor`: the release rule that joins the branches of a fork.

It handles arrivals, losses, deadlines and flushes of one coalesce. The key of a barrier is (row, forked token), so each
fork has its own barrier. The verdict is computed by the pure function in `verdict.py`; this module carries it out, in one
place: it merges, or it fails all that is held and loses the debt beneath. A token that arrives after the resolution is
late; the trail is asked by the barrier's key. Not here: a memory of what was resolved, and the moving of the merged token.
"""

from collections.abc import Callable, Collection, Container, Sequence

from fateline_engine.barrier import Barrier, Holding, Slot
from fateline_engine.compiled_graph import NodeRef
from fateline_engine.errors import LimitExceeded, Refused
from fateline_engine.landscape import Resolution
from fateline_engine.merging import CannotMerge, Merged, merge
from fateline_engine.rows import PipelineRow
from fateline_engine.settings import CONTINUE, CoalesceNode, Policy
from fateline_engine.state import Live, Loss, RunState
from fateline_engine.token_manager import TokenManager
from fateline_engine.tokens import Frame
from fateline_engine.verdict import Counts, Event, Ruling, decide
from fateline_engine.words import (
    BarrierVerdict,
    LossReason,
    Outcome,
    Reason,
    Refusal,
    Trigger,
    VisitStatus,
)

Say = Callable[[CoalesceNode, Sequence[tuple[str, PipelineRow]]], Merged | CannotMerge]


class Joining(Holding):
    """One barrier: what has arrived, what is lost, and the debt that the forked token passed on to it."""

    __slots__ = ("below", "fork", "lost", "row")

    def __init__(self, node: NodeRef, frame: Frame, row: int, first_at: int, timeout: int | None) -> None:
        super().__init__(node, (row, frame.fork), first_at, timeout)
        self.row = row
        self.fork = frame.fork
        self.below = frame.below
        self.lost: dict[str, LossReason] = {}


class CoalesceExecutor(Barrier):
    """All barriers of one coalesce."""

    open: dict[tuple[int, int], Joining]  # type: ignore[assignment]

    def __init__(self, state: RunState, tokens: TokenManager, node: NodeRef, say: Say = merge) -> None:
        settings = state.compiled.graph.coalesce(node.name)
        super().__init__(state, node, settings.timeout_ms)
        self.settings = settings
        self.tokens = tokens
        self.say = say
        self._quorum = settings.quorum_count or 0
        self._width = len(settings.branches)
        self._all = ",".join(settings.branches)

    # Events

    def arrive(self, live: Live) -> None:
        """A token arrives: it is held or is late. It may decide the barrier."""
        frame = self._frame(live.info.stack, live.info.name)
        joining = self.open.get((live.info.row, frame.fork))
        if joining is None:
            resolution = self._resolution(live.info.row, frame)
            if resolution is not None:
                self._late(live, resolution)
                return
            joining = self._begin(frame, live.info.row)
        else:
            self._not_twice(frame.branch, joining.held, joining.lost)
        self.held_by(live, joining, frame.branch)
        self._rule(joining, Event.ARRIVAL)

    def lose(self, loss: Loss) -> None:
        """A branch can no longer arrive. After the resolution a loss changes nothing and leaves no record."""
        frame = self._frame(loss.frame, f"{loss.row}:{loss.token}")
        joining = self.open.get((loss.row, frame.fork))
        if joining is None:
            if self._resolution(loss.row, frame) is not None:
                return
            joining = self._begin(frame, loss.row)
        else:
            self._not_twice(frame.branch, joining.held, joining.lost)
        joining.lost[frame.branch] = loss.reason
        self.state.recorder.loss(self.node.number, loss.row, frame.fork, frame.branch, loss.token, loss.reason)
        self._rule(joining, Event.LOSS)

    def deadline(self, row: int, fork: int) -> None:
        """The deadline of this barrier has passed."""
        joining = self.known(row, fork)
        if self.timeout is None:
            raise Refused(Refusal.NO_DEADLINE, f"{self.node.name} has no timeout")
        self._first_is_empty(joining)
        self._rule(joining, Event.DEADLINE)

    def flush(self, row: int, fork: int) -> None:
        """Nothing more can arrive."""
        joining = self.known(row, fork)
        self._first_is_empty(joining)
        self._rule(joining, Event.FLUSH)

    # Questions

    def _frame(self, frame: Frame | None, name: str) -> Frame:
        if frame is None or frame.coalesce != self.node.name or frame.branch not in self.settings.branches:
            raise Refused(Refusal.NO_FRAME, f"token {name} owes no branch to {self.node.name}")
        return frame

    def _resolution(self, row: int, frame: Frame) -> Resolution | None:
        """How the barrier of this fork was resolved, if it was. `Refused` if it had counted this branch."""
        resolution = self.state.recorder.resolution(self.node.number, row, frame.fork)
        if resolution is not None:
            self._not_twice(frame.branch, resolution.arrived.split(","), resolution.lost.split(","))
        return resolution

    def _begin(self, frame: Frame, row: int) -> Joining:
        """The barrier of this fork has its first event."""
        joining = Joining(self.node, frame, row, self.state.recorder.at, self.timeout)
        self.open[row, frame.fork] = joining
        return joining

    def _not_twice(self, branch: str, held: Container[Slot], lost: Container[str]) -> None:
        if branch in held:
            raise Refused(Refusal.BRANCH_HELD, f"branch {branch} has arrived at {self.node.name}")
        if branch in lost:
            raise Refused(Refusal.BRANCH_LOST, f"branch {branch} is lost to {self.node.name}")

    def known(self, row: int, fork: int) -> Joining:
        """The unresolved barrier of this fork. `Refused` gives the reason if there is none."""
        joining = self.open.get((row, fork))
        if joining is None:
            if self.state.recorder.resolution(self.node.number, row, fork):
                raise Refused(Refusal.ALREADY_RESOLVED, f"the barrier of {row}:{fork} at {self.node.name} is resolved")
            raise Refused(Refusal.UNKNOWN_BARRIER, f"{self.node.name} has had no event of the fork of {row}:{fork}")
        return joining

    def _first_is_empty(self, joining: Joining) -> None:
        if self.settings.policy is Policy.FIRST and joining.held:
            message = f"{self.node.name} should have merged at its first arrival: a verdict was lost"
            raise Refused(Refusal.FIRST_HAS_ARRIVED, message)

    # Verdicts

    def _rule(self, joining: Joining, event: Event) -> None:
        counts = Counts(self._width, len(joining.held), len(joining.lost), self._quorum)
        ruling = decide(self.settings.policy, counts, event)
        if ruling is Ruling.WAIT:
            return
        trigger = Trigger(event)
        if ruling is not Ruling.MERGE:
            self._fail(joining, Reason(ruling), trigger, f"{self.node.name}: {ruling}")
            return
        held = [(branch, joining.held[branch]) for branch in self.settings.branches if branch in joining.held]
        lives = [live for _, live in held]
        result = self.say(self.settings, [(branch, live.info.data) for branch, live in held])
        if isinstance(result, Merged):
            try:
                self.tokens.fits(result.data, f"the merge at {self.node.name}")
            except LimitExceeded as exceeded:
                result = CannotMerge(Reason.MERGED_ROW_TOO_LARGE, str(exceeded))
        if isinstance(result, CannotMerge):
            self._fail(joining, result.reason, trigger, f"{self.node.name}: {result.reason}: {result.detail}")
            return
        self._merge(joining, lives, result, trigger)

    def _merge(self, joining: Joining, lives: list[Live], result: Merged, trigger: Trigger) -> None:
        self.complete(lives)
        info = self.tokens.merged(lives, result.data, self.node.edges[CONTINUE])
        if result.origins:
            self.state.recorder.merge(info.row, info.token, result.origins)
        self._resolve(joining, BarrierVerdict.MERGED, None, trigger, info.token)

    def _fail(self, joining: Joining, reason: Reason, trigger: Trigger, text: str) -> None:
        held = [joining.held[branch] for branch in self.settings.branches if branch in joining.held]
        self.fail(held, reason, text)
        self._resolve(joining, BarrierVerdict.FAILED, reason, trigger, None)
        if joining.below is not None:
            self.state.losses.append(Loss(joining.below, joining.row, joining.fork, LossReason.BARRIER_FAILED))

    def _resolve(
        self, joining: Joining, verdict: BarrierVerdict, reason: Reason | None, trigger: Trigger, result: int | None
    ) -> None:
        del self.open[joining.row, joining.fork]
        arrived, lost = self._names(joining.held), self._names(joining.lost)
        self.state.recorder.barrier(
            self.node.number, joining.row, joining.fork, verdict, reason, trigger, arrived, lost,
            joining.first_at, result,
        )  # fmt: skip

    def _names(self, those: Collection[Slot]) -> str:
        """Branches as the trail writes them: in declared order, separated by commas."""
        if not those:
            return ""
        return self._all if len(those) == self._width else ",".join(b for b in self.settings.branches if b in those)

    def _late(self, live: Live, resolution: Resolution) -> None:
        """The token arrives after the resolution: its visit ends and it gets its fate in this step; it has no debt."""
        merged = resolution.verdict is BarrierVerdict.MERGED
        reason = Reason.LATE_ARRIVAL_AFTER_MERGE if merged else Reason.LATE_ARRIVAL_AFTER_FAILURE
        error = self.state.keep_error(f"{self.node.name}: {reason}")
        self.state.begin(live)
        self.state.close(live, VisitStatus.FAILED, None, error=error)
        self.state.end(live, Outcome.FAILED, error=error, reason=reason)

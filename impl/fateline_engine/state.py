"""`RunState`: what a running engine holds in memory; all of it can be built again from the trail.

It holds the tokens that have no fate yet, the node of each, and the two work lists of a step (which token moves next, which
debts were lost). It has the few moves that all parts share: a token takes an edge, begins or ends a visit, gets its fate.
Each move exists once, so a failure is recorded in one way. Not here: decisions (`processor.py` and the executors).
"""

from collections import deque
from enum import IntEnum
from typing import NamedTuple

from fateline_engine.compiled_graph import CompiledGraph, EdgeRef, NodeRef
from fateline_engine.landscape import LandscapeRecorder
from fateline_engine.rows import PipelineRow, digest_text
from fateline_engine.tokens import Frame, TokenInfo
from fateline_engine.words import LossReason, Outcome, Reason, VisitStatus


class Phase(IntEnum):
    """What a living token does: it is on its way to a node, in an open visit, or held."""

    NEXT = 0
    OPEN = 1
    HELD = 2


_NEXT, _OPEN, _HELD = Phase.NEXT, Phase.OPEN, Phase.HELD  # looked up once, not at every step


class Live:
    """A token that has no fate yet, and where it stands."""

    __slots__ = ("attempt", "error", "info", "node", "phase", "reason", "tries", "via")

    def __init__(self, info: TokenInfo, node: NodeRef, via: Outcome) -> None:
        self.info = info
        self.node = node
        """The node at the end of its latest hop."""
        self.via = via
        """The outcome that the token gets if a sink there writes it."""
        self.phase = _NEXT
        self.attempt = -1
        """The latest attempt at this node."""
        self.tries = 0
        """How many attempts at this node failed."""
        self.error: bytes | None = None
        """The digest of the error that diverted the token."""
        self.reason: Reason | None = None


class Loss(NamedTuple):
    """A debt that was lost in this step and has not reached its barrier yet."""

    frame: Frame
    row: int
    token: int
    reason: LossReason


class RunState:
    """The living tokens of one run."""

    def __init__(self, recorder: LandscapeRecorder, atlas: CompiledGraph) -> None:
        self.recorder = recorder
        self.compiled = atlas
        self.live: dict[tuple[int, int], Live] = {}
        self.queue: deque[Live] = deque()
        """The tokens that may move, first in first out. An entry whose token has moved on or ended is skipped."""
        self.losses: deque[Loss] = deque()
        self.counts: dict[Outcome, int] = dict.fromkeys(Outcome, 0)
        self.next_token: dict[int, int] = {}
        self.living: dict[int, int] = {}
        """Row to its number of living tokens; a row without any is forgotten."""

    # Births

    def number(self, row: int, how_many: int = 1) -> int:
        """The first of `how_many` new token numbers of a row."""
        first = self.next_token.get(row, 0)
        self.next_token[row] = first + how_many
        return first

    def born(self, info: TokenInfo, edge: EdgeRef) -> Live:
        """A new token, whose first hop is `edge`."""
        live = Live(info, edge.head, edge.via)
        self.live[info.row, info.token] = live
        self.living[info.row] = self.living.get(info.row, 0) + 1
        if info.stack is not None and edge.loses:
            self.drop_debt(live, edge.loss)
        self.queue.append(live)
        return live

    # Moves

    def hop(self, live: Live, edge: EdgeRef) -> None:
        """The token takes an edge, which its visit records."""
        live.node = edge.head
        live.via = edge.via
        live.phase = _NEXT
        live.attempt = -1
        live.tries = 0
        if live.info.stack is not None and edge.loses:
            self.drop_debt(live, edge.loss)
        if self.queue and self.queue[0] is live:
            self.queue.popleft()  # it was in front while it was visiting; now it waits behind the others
        self.queue.append(live)

    def drop_debt(self, live: Live, reason: LossReason) -> None:
        """The debt of its top frame is lost; the loss reaches its barrier before the step ends."""
        info = live.info
        assert info.stack is not None
        self.losses.append(Loss(info.stack, info.row, info.token, reason))
        live.info = info._replace(stack=None)

    def begin(self, live: Live, status: VisitStatus = VisitStatus.OPEN) -> None:
        """The token begins a visit at its node."""
        info = live.info
        live.attempt += 1
        live.phase = _HELD if status is VisitStatus.HELD else _OPEN
        self.recorder.open_visit(info.row, info.token, live.node.number, live.attempt, status, info.data.digest)

    def close(
        self,
        live: Live,
        status: VisitStatus,
        verdict: str | None,
        edge: EdgeRef | None = None,
        error: bytes | None = None,
    ) -> None:
        """The visit ends. The token stays at its node, with the data it had."""
        info = live.info
        live.phase = _NEXT
        self.recorder.close_visit(
            info.row, info.token, live.node.number, live.attempt, status, verdict,
            None if edge is None else edge.number, error,
            info.data.digest if status is VisitStatus.COMPLETED else None,
        )  # fmt: skip

    def close_with(
        self, live: Live, verdict: str | None, edge: EdgeRef, data: PipelineRow, contract: int | None
    ) -> None:
        """The visit ends as completed, with data. The trail keeps the data if they differ from those before."""
        info = live.info
        same = data.encoded == info.data.encoded and data.contract == info.data.contract
        live.info = info.with_data(data)
        live.phase = _NEXT
        self.recorder.close_visit(
            info.row, info.token, live.node.number, live.attempt, VisitStatus.COMPLETED, verdict, edge.number, None,
            data.digest, None if same else contract, None if same else data.encoded,
        )  # fmt: skip

    # Ends

    def end(
        self,
        live: Live,
        outcome: Outcome,
        *,
        loss: LossReason | None = None,
        sink: int | None = None,
        error: bytes | None = None,
        reason: Reason | None = None,
        batch: tuple[int, int] | None = None,
    ) -> None:
        """The token gets a fate that no other operation gives. `loss`: the reason why its debt is lost, if it has one."""
        info = live.info
        self.recorder.fate(info.row, info.token, outcome, sink=sink, error=error, reason=reason, batch=batch)
        self.buried(live, outcome)
        if loss is not None and info.stack is not None:
            self.losses.append(Loss(info.stack, info.row, info.token, loss))

    def buried(self, live: Live, outcome: Outcome) -> None:
        """The token has its fate and is no longer alive."""
        row, token = live.info.row, live.info.token
        del self.live[row, token]
        self.counts[outcome] += 1
        left = self.living[row] - 1
        if left:
            self.living[row] = left
        else:
            del self.living[row], self.next_token[row]

    def keep_error(self, text: str) -> bytes:
        """The digest of an error's text; the trail keeps the text beside it."""
        digest = digest_text(text)
        self.recorder.keep_error(digest, text.encode("utf-8", "backslashreplace").decode("utf-8"))
        return digest

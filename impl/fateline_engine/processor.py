"""`RowProcessor`: moves tokens along edges, one step at a time.

It knows what each verdict of a node means. `next_work` gives what a token does next at its node; `do` does it. A step ends
when every debt that was lost in it has reached its barrier, and so has every debt that was lost by that: a work list, no
recursion. A token moves from node to node only along an edge. Not here: when a row is read, the clock is looked at, or a
commit is made (`orchestrator.py`).
"""

from collections.abc import Callable, Sequence

from fateline_engine.aggregation import AggregationExecutor
from fateline_engine.coalesce import CoalesceExecutor
from fateline_engine.compiled_graph import EdgeRef, NodeRef
from fateline_engine.contracts import SchemaContract
from fateline_engine.errors import EngineBug, LimitExceeded, Refused
from fateline_engine.merging import merge
from fateline_engine.plugins import BatchOutputs, Drop, Expand, Failure, Pass, Row
from fateline_engine.rows import NotJson, PipelineRow
from fateline_engine.script import BatchInfo, Boundary, Kind, MergeScript, Route, Script, Verdict, Work, Written
from fateline_engine.settings import CONTINUE, DISCARD, FORK, GateNode, NodeKind, SinkNode, TransformNode
from fateline_engine.state import Live, Phase, RunState
from fateline_engine.token_manager import TokenManager
from fateline_engine.tokens import TokenInfo
from fateline_engine.words import LossReason, Outcome, Reason, Refusal, VisitStatus

_NEXT, _OPEN = Phase.NEXT, Phase.OPEN  # looked up once, not at every step
_FINISH, _COMPLETED = Kind.FINISH, VisitStatus.COMPLETED
_FIRST_WORK = {
    NodeKind.TRANSFORM: Kind.BEGIN,
    NodeKind.GATE: Kind.BEGIN,
    NodeKind.SINK: Kind.BEGIN,
    NodeKind.COALESCE: Kind.ARRIVE,
    NodeKind.AGGREGATION: Kind.ACCEPT,
}
_VERDICTS = {
    NodeKind.TRANSFORM: (Pass, Drop, Expand, Failure),
    NodeKind.GATE: (Route, Failure),
    NodeKind.SINK: (Written, Failure),
}


class RowProcessor:
    """The steps of tokens in one run."""

    def __init__(self, state: RunState, tokens: TokenManager, script: Script) -> None:
        self.state = state
        self.tokens = tokens
        self.script = script
        compiled = state.compiled
        say = script.merge if isinstance(script, MergeScript) else merge
        self.coalesces = {
            node.name: CoalesceExecutor(state, tokens, node, say) for node in compiled.of_kind(NodeKind.COALESCE)
        }
        self.aggregations = {
            node.name: AggregationExecutor(state, tokens, node) for node in compiled.of_kind(NodeKind.AGGREGATION)
        }
        self.touched: set[NodeRef] = set()
        """The sinks that were written to since the last commit."""
        self._steps: dict[Kind, Callable[[Live], None]] = {
            Kind.BEGIN: self._begin,
            Kind.FINISH: self._finish,
            Kind.ARRIVE: self._arrive,
            Kind.ACCEPT: self._accept,
        }
        self._finishes = {
            NodeKind.TRANSFORM: self._transformed,
            NodeKind.GATE: self._routed,
            NodeKind.SINK: self._written,
        }

    # What comes next

    def next_work(self, live: Live) -> Work | None:
        """What this token does next; `None` while it is held."""
        info, node = live.info, live.node
        if live.phase is _OPEN:
            return Work(_FINISH, node.name, (info.row, info.token))
        if live.phase is _NEXT:
            return Work(_FIRST_WORK[node.kind], node.name, (info.row, info.token))
        return None

    def do(self, work: Work) -> None:
        """Do the work of a token, which must be its next work."""
        assert work.token is not None
        live = self.state.live.get(work.token)
        if live is None:
            live = self.tokens.find(TokenInfo(self.state.recorder.run, *work.token, _NOTHING))
        self._ask(live, work)
        self._steps[work.kind](live)
        if self.state.losses:
            self.settle()

    def _ask(self, live: Live, work: Work) -> None:
        node = live.node
        if work.kind is _FINISH:
            if live.phase is not _OPEN:
                raise Refused(Refusal.NOT_VISITING, f"token {live.info.name} has no open visit to finish")
        elif live.phase is not _NEXT:
            raise Refused(Refusal.ALREADY_VISITING, f"token {live.info.name} is visiting {node.name}")
        elif _FIRST_WORK[node.kind] is not work.kind:
            raise Refused(Refusal.NOT_ITS_NEXT_NODE, f"token {live.info.name} is on its way to {node.kind} {node.name}")
        if work.node and work.node != node.name:
            message = f"token {live.info.name} is at {node.name}, not at {work.node}"
            raise Refused(Refusal.NOT_ITS_NEXT_NODE, message)

    def settle(self) -> None:
        """Report every lost debt to its barrier, and what is lost by that to the next, until no loss is left."""
        losses = self.state.losses
        while losses:
            loss = losses.popleft()
            try:
                self.coalesces[loss.frame.coalesce].lose(loss)
            except Refused as refused:
                raise EngineBug(f"a debt with two holders: {refused}") from refused

    # Steps

    def _begin(self, live: Live) -> None:
        self.state.begin(live)
        queue = self.state.queue
        if not queue or queue[0] is not live:
            queue.appendleft(live)

    def _arrive(self, live: Live) -> None:
        self.coalesces[live.node.name].arrive(live)

    def _accept(self, live: Live) -> None:
        self.aggregations[live.node.name].accept(live)

    def _finish(self, live: Live) -> None:
        node = live.node
        verdict = self.script.verdict(node.settings, live.info, live.attempt)
        if not isinstance(verdict, _VERDICTS[node.kind]):
            raise Refused(
                Refusal.NO_SUCH_VERDICT, f"{node.kind} {node.name} cannot answer with {type(verdict).__name__}"
            )
        if isinstance(verdict, Failure):
            self._failed(live, verdict)
        else:
            self._finishes[node.kind](live, verdict)  # type: ignore[operator]

    # Transforms

    def _transformed(self, live: Live, verdict: Pass | Drop | Expand) -> None:
        settings = live.node.settings
        assert isinstance(settings, TransformNode)
        if isinstance(verdict, Drop):
            self.state.close(live, _COMPLETED, "drop")
            self.state.end(live, Outcome.DISCARDED, reason=Reason.FILTERED, loss=LossReason.DISCARDED)
            return
        rows = verdict.rows if isinstance(verdict, Expand) else (verdict.data,)
        if isinstance(verdict, Expand) and not settings.expands:
            self._failed(live, Failure(f"gave {len(rows)} rows, and is not declared to expand"))
            return
        made = self._rows(live, rows)
        if isinstance(made, Failure):
            self._failed(live, made)
        elif settings.expands:
            self._expand(live, made)
        else:
            edge = live.node.edges[CONTINUE]
            self.state.close_with(live, "pass", edge, made[0], self.tokens.contract_number(made[0].contract))
            self.state.hop(live, edge)

    def _rows(self, live: Live, rows: Sequence[Row]) -> list[PipelineRow] | Failure:
        """What a plugin gave, as rows with a contract; a failure if they cannot become rows."""
        try:
            self.tokens.fans_out(len(rows), f"rows that {live.node.name} makes of one")
            made = [self._row(row, live.info.data) for row in rows]
            for row in made:
                self.tokens.fits(row, f"a row of {live.node.name}")
        except (NotJson, LimitExceeded, TypeError) as error:
            return Failure(str(error))
        return made

    def _row(self, row: Row, before: PipelineRow) -> PipelineRow:
        if row is before:
            return before
        made = PipelineRow.of(row, before.contract)
        if made.encoded == before.encoded:
            return before
        contract = SchemaContract.observed_in([made])
        return made.under(contract)

    def _expand(self, live: Live, rows: list[PipelineRow]) -> None:
        edge = live.node.edges[CONTINUE]
        contract = SchemaContract.observed_in(rows).lock()
        self.state.close(live, _COMPLETED, f"expand {len(rows)}")
        self.tokens.expand(live.info, rows, contract, edge)

    # Gates

    def _routed(self, live: Live, verdict: Route) -> None:
        node, settings = live.node, live.node.settings
        assert isinstance(settings, GateNode)
        target = settings.routes.get(verdict.label)
        word = f"route {verdict.label}"
        if target is None:
            self._failed(live, Failure(f"chose {verdict.label!r}, and has the routes {', '.join(settings.routes)}"))
        elif target == FORK:
            self.state.close(live, _COMPLETED, word)
            self.tokens.fork(live.info, node, self.tokens.branches_of(node))
        elif target == DISCARD:
            self.state.close(live, _COMPLETED, word)
            self.state.end(live, Outcome.DISCARDED, reason=Reason.GATE_DISCARD, loss=LossReason.DISCARDED)
        else:
            edge = node.edges[CONTINUE if target == CONTINUE else verdict.label]
            self.state.close(live, _COMPLETED, word, edge)
            self.state.hop(live, edge)

    # Sinks

    def _written(self, live: Live, verdict: Written) -> None:
        self.touched.add(live.node)
        self.script.boundary(Boundary.SINK_WRITTEN)
        self.state.close(live, _COMPLETED, "written")
        diverted = live.via in (Outcome.DIVERTED, Outcome.QUARANTINED)
        self.state.end(
            live, live.via, sink=live.node.number,
            error=live.error if diverted else None, reason=live.reason if diverted else None,
        )  # fmt: skip

    # Errors

    def _failed(self, live: Live, failure: Failure) -> None:
        """Close the attempt. Try again while attempts are left; otherwise `on_error` decides, in this step."""
        node, state = live.node, self.state
        settings = node.settings
        error = state.keep_error(f"{node.name}: {failure.error}")
        verdict = _failure_word(node, failure.retryable)
        attempts = settings.attempts if isinstance(settings, TransformNode | SinkNode) else 1
        live.tries += 1
        if failure.retryable and live.tries < attempts:
            state.close(live, VisitStatus.FAILED, verdict, error=error)
            self._begin(live)
            return
        edge: EdgeRef | None = node.on_error
        state.close(live, VisitStatus.FAILED, verdict, edge, error)
        if edge is not None:
            live.error, live.reason = error, Reason.NODE_FAILED
            state.hop(live, edge)
        elif node.discards_errors:
            state.end(live, Outcome.QUARANTINED, error=error, reason=Reason.NODE_FAILED, loss=LossReason.QUARANTINED)
        else:
            state.end(live, Outcome.FAILED, error=error, reason=Reason.NODE_FAILED, loss=LossReason.FAILED)

    # Batches

    def flush_batch(self, node: str, number: int) -> None:
        """Get the verdict on a triggered batch and carry it out."""
        executor = self.aggregations[node]
        batch = executor.awaiting(number)
        members = batch.members
        rows = tuple(live.info.data for live in members)
        verdict: Verdict = self.script.verdict(batch.node.settings, BatchInfo(node, number, rows), batch.attempt)
        if isinstance(verdict, Failure):
            executor.failed(batch, f"{node}: {verdict.error}")
        elif isinstance(verdict, Drop):
            executor.flushed(batch, ())
        elif isinstance(verdict, BatchOutputs):
            try:
                known = {live.info.data.encoded: live.info.data for live in members}
                made = [self._batch_row(row, known) for row in verdict.rows]
            except (NotJson, TypeError) as error:
                executor.failed(batch, f"{node}: {error}")
            else:
                executor.flushed(batch, made)
        else:
            raise Refused(Refusal.NO_SUCH_VERDICT, f"aggregation {node} cannot answer with {type(verdict).__name__}")
        self.settle()

    def _batch_row(self, row: Row, known: dict[bytes, PipelineRow]) -> PipelineRow:
        made = PipelineRow.of(row)
        same = known.get(made.encoded)
        return made.under(SchemaContract.observed_in([made]) if same is None else same.contract)


_NOTHING = PipelineRow.of({})


def _failure_word(node: NodeRef, retryable: bool) -> str:
    if node.kind is NodeKind.SINK:
        return "refused_retryable" if retryable else "refused"
    return "error_retryable" if retryable and node.kind is NodeKind.TRANSFORM else "error"

"""What a run holds in memory, built again from its trail.

After a crash the state comes back in this way only, so nothing that matters can live in memory alone. Living tokens with
their data and debts, held tokens, unresolved barriers, open batches and counters: each is one query and one loop. Not here:
the resumption. What a crash interrupted (open visits, a flush) is recorded by the orchestrator in a step of its own.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from fateline_engine.aggregation import Batch
from fateline_engine.coalesce import Joining
from fateline_engine.compiled_graph import CompiledGraph, NodeRef
from fateline_engine.contracts import EMPTY, SchemaContract
from fateline_engine.landscape import Landscape
from fateline_engine.processor import RowProcessor
from fateline_engine.rows import PipelineRow
from fateline_engine.settings import NodeKind
from fateline_engine.state import Live, Phase, RunState
from fateline_engine.tokens import Frame, TokenInfo
from fateline_engine.words import GroupKind, LossReason, Outcome, Reason, Trigger, VisitStatus

_LIVING = """
SELECT t.row, t.token, t.branch, t.group_kind, t.parent, t.fork, t.frame, t.edge, t.contract, t.data, t.seq
FROM tokens AS t LEFT JOIN fates AS f ON f.run = t.run AND f.row = t.row AND f.token = t.token
WHERE t.run = ? AND f.token IS NULL ORDER BY t.seq"""
_TOKEN = """
SELECT row, token, branch, group_kind, parent, fork, frame, edge, contract, data, seq
FROM tokens WHERE run = ? AND row = ? AND token = ?"""
_VISITS = """
SELECT node, attempt, status, edge, error, contract, data, opened, closed, opened_at
FROM visits WHERE run = ? AND row = ? AND token = ? ORDER BY opened"""
_LOSSES = """
SELECT x.node, x.row, x.fork, x.branch, x.reason, x.at FROM losses AS x LEFT JOIN barriers AS b
ON b.run = x.run AND b.node = x.node AND b.row = x.row AND b.fork = x.fork
WHERE x.run = ? AND b.fork IS NULL ORDER BY x.seq"""
_BATCHES = """
SELECT node, batch, status, trigger, attempt, opened_at, triggered_at FROM batches
WHERE run = ? AND status IN ('open', 'triggered') ORDER BY opened_at, node, batch"""


class _Token(NamedTuple):
    row: int
    token: int
    branch: str | None
    group_kind: str | None
    parent: int | None
    fork: int | None
    frame: str | None
    edge: int | None
    contract: int | None
    data: bytes | None
    seq: int


class _Visit(NamedTuple):
    node: int
    attempt: int
    status: str
    edge: int | None
    error: bytes | None
    contract: int | None
    data: bytes | None
    opened: int
    closed: int | None
    opened_at: int


class Recovery:
    """Reads one run's trail and fills an empty state from it."""

    def __init__(self, landscape: Landscape, state: RunState, processor: RowProcessor) -> None:
        self.conn = landscape.conn
        self.run = state.recorder.run
        self.state = state
        self.processor = processor
        self.compiled: CompiledGraph = state.compiled
        self.contracts = {
            number: SchemaContract.from_body(body)
            for number, body in self._all("SELECT contract, body FROM contracts WHERE run = ?")
        }
        self._frames: dict[tuple[int, int], Frame | None] = {}

    def _all(self, query: str, *more: object) -> list[Any]:
        return self.conn.execute(query, (self.run, *more)).fetchall()

    def load(self) -> None:
        """Fill the state. Tokens wait in the order in which they last changed."""
        tokens = self.processor.tokens
        ((rows, last),) = self._all("SELECT count(*), max(idx) FROM rows WHERE run = ?")
        tokens.next_row, tokens.last_idx = rows, -1 if last is None else last
        tokens.remember(self.contracts)
        for outcome, count in self._all("SELECT outcome, count(*) FROM fates WHERE run = ? GROUP BY outcome"):
            self.state.counts[Outcome(outcome)] = count
        ((buffered,),) = self._all("SELECT count(*) FROM members WHERE run = ?")
        self.state.counts[Outcome.BUFFERED] = buffered
        waiting = []
        for record in self._all(_LIVING):
            live, changed, held_at = self._live(_Token(*record))
            if held_at is None:
                waiting.append((live.phase is not Phase.OPEN, changed, live))
            elif live.node.kind is NodeKind.COALESCE:
                self._hold(live, held_at)
        for row in self.state.living:
            ((highest,),) = self._all("SELECT max(token) FROM tokens WHERE run = ? AND row = ?", row)
            self.state.next_token[row] = highest + 1
        self.state.queue.extend(live for _, _, live in sorted(waiting, key=lambda item: item[:2]))
        self._losses()
        self._batches()

    # Tokens

    def _live(self, record: _Token) -> tuple[Live, int, int | None]:
        """The token at its node; when it last changed; and since when it is held, if it is."""
        visits = self._visits(record.row, record.token)
        number, error = record.edge, None
        for visit in visits:
            if visit.edge is not None:
                number, error = visit.edge, visit.error
        assert number is not None, "a living token is on its way somewhere"
        edge = self.compiled.edges[number]
        info = self._info(record, visits)
        live = Live(info if edge.head.kind is not NodeKind.SINK else info._replace(stack=None), edge.head, edge.via)
        self._here(live, visits)
        if edge.via is Outcome.QUARANTINED:
            ((live.error,),) = self._all("SELECT error FROM rows WHERE run = ? AND row = ?", record.row)
            live.reason = Reason.INVALID_ROW
        elif edge.via is Outcome.DIVERTED:
            live.error, live.reason = error, Reason.NODE_FAILED
        self.state.live[record.row, record.token] = live
        self.state.living[record.row] = self.state.living.get(record.row, 0) + 1
        last = visits[-1] if visits else None
        changed = record.seq if last is None else last.closed or last.opened
        return live, changed, last.opened_at if last and live.phase is Phase.HELD else None

    def _here(self, live: Live, visits: list[_Visit]) -> None:
        """Its attempts at the node where it is."""
        for visit in visits:
            if visit.node == live.node.number:
                live.attempt = visit.attempt
                live.tries += visit.status == VisitStatus.FAILED
                if visit.status == VisitStatus.OPEN:
                    live.phase = Phase.OPEN
                elif visit.status == VisitStatus.HELD:
                    live.phase = Phase.HELD

    def _visits(self, row: int, token: int) -> list[_Visit]:
        return [_Visit(*record) for record in self._all(_VISITS, row, token)]

    def _token(self, row: int, token: int) -> _Token:
        (record,) = self._all(_TOKEN, row, token)
        return _Token(*record)

    def _info(self, record: _Token, visits: list[_Visit]) -> TokenInfo:
        kind = None if record.group_kind is None else GroupKind(record.group_kind)
        stack = None if record.fork is None else self._frame(record.row, record.fork, record.frame or "")
        data = self._data(record, visits)
        return TokenInfo(self.run, record.row, record.token, data, record.branch, kind, record.parent, stack)

    def _data(self, record: _Token, visits: list[_Visit]) -> PipelineRow:
        """Its data: what its last visit made; otherwise what it was made with; otherwise what its parent had."""
        contract = record.contract
        for visit in reversed(visits):
            if visit.data is not None:
                return PipelineRow.from_json(visit.data, self._contract(visit.contract))
        while record.data is None:
            if record.parent is None:
                ((data,),) = self._all("SELECT data FROM rows WHERE run = ? AND row = ?", record.row)
                return PipelineRow.from_json(data, self._contract(contract))
            record = self._token(record.row, record.parent)
            for visit in reversed(self._visits(record.row, record.token)):
                if visit.data is not None:
                    return PipelineRow.from_json(visit.data, self._contract(contract))
        return PipelineRow.from_json(record.data, self._contract(contract))

    def _contract(self, number: int | None) -> SchemaContract:
        return EMPTY if number is None else self.contracts[number]

    def _frame(self, row: int, fork: int, branch: str) -> Frame:
        """The debt of a branch of this fork. The chain of frames is as deep as forks nest in the pipeline."""
        gate = self._gate(row, fork)
        return Frame(fork, branch, gate.name, gate.joins[branch], self._below(row, fork, gate))

    def _gate(self, row: int, fork: int) -> NodeRef:
        return self.compiled.by_number[self._visits(row, fork)[-1].node]

    def _below(self, row: int, fork: int, gate: NodeRef) -> Frame | None:
        if (row, fork) not in self._frames:
            record = self._token(row, fork)
            keeps = gate.keeps_debt and record.fork is not None
            self._frames[row, fork] = self._frame(row, record.fork or 0, record.frame or "") if keeps else None
        return self._frames[row, fork]

    # Barriers and batches

    def _hold(self, live: Live, since: int) -> None:
        frame = live.info.stack
        assert frame is not None
        joining = self._joining(live.node, frame, live.info.row, since)
        joining.held[frame.branch] = live

    def _joining(self, node: NodeRef, frame: Frame, row: int, at: int) -> Joining:
        executor = self.processor.coalesces[node.name]
        joining = executor.open.get((row, frame.fork))
        if joining is None:
            joining = executor.open[row, frame.fork] = Joining(node, frame, row, at, executor.timeout)
        elif at < joining.first_at:
            joining.first_at = at
            joining.deadline = None if executor.timeout is None else at + executor.timeout
        return joining

    def _losses(self) -> None:
        for number, row, fork, branch, reason, at in self._all(_LOSSES):
            node = self.compiled.by_number[number]
            joining = self._joining(node, self._frame(row, fork, branch), row, at)
            joining.lost[branch] = LossReason(reason)
        for executor in self.processor.coalesces.values():
            oldest = sorted(executor.open.items(), key=lambda item: item[1].first_at)
            executor.open.clear()
            executor.open.update(oldest)

    def _batches(self) -> None:
        for name, executor in self.processor.aggregations.items():
            number = self.compiled[name].number
            ((highest,),) = self._all("SELECT max(batch) FROM batches WHERE run = ? AND node = ?", number)
            executor.next_number = 0 if highest is None else highest + 1
        for at, number, status, trigger, attempt, opened_at, triggered_at in self._all(_BATCHES):
            node = self.compiled.by_number[at]
            executor = self.processor.aggregations[node.name]
            batch = Batch(node, number, opened_at, executor.timeout)
            batch.attempt = attempt
            for ordinal, live in self._members(at, number):
                batch.held[ordinal] = live
            if status == "open":
                executor.open[number] = batch
            else:
                batch.trigger, batch.triggered_at = Trigger(trigger), triggered_at
                executor.triggered = batch

    def _members(self, node: int, batch: int) -> Iterator[tuple[int, Live]]:
        query = "SELECT ordinal, row, token FROM members WHERE run = ? AND node = ? AND batch = ? ORDER BY ordinal"
        for ordinal, row, token in self._all(query, node, batch):
            yield ordinal, self.state.live[row, token]

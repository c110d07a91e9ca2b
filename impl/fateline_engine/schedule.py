"""`Schedule`: what can be done next in a run, and what production does first.

It lists everything that the law allows, for a script to choose from. Production takes one fixed order: first what came due
at the last look at the clock, then triggered batches, then the tokens, first in first out; when nothing moves, another look
at the clock, then the next row, and at the end the flushes in topological order. So the same inputs give the same trail.
Not here: the doing. This module changes nothing but its own queue of what came due.
"""

from collections import deque
from collections.abc import Iterator, Mapping

from fateline_engine.barrier import Holding
from fateline_engine.expressions import Compiled, ExpressionError
from fateline_engine.processor import RowProcessor
from fateline_engine.row_reader import RowReader
from fateline_engine.script import Kind, Script, Work
from fateline_engine.settings import AggregationNode
from fateline_engine.state import Phase, RunState


class Schedule:
    """The schedule of one run. `row_reader` knows whether the source has another row."""

    def __init__(
        self,
        state: RunState,
        processor: RowProcessor,
        script: Script,
        conditions: Mapping[str, Compiled],
        intake: RowReader,
    ) -> None:
        self.state = state
        self.recorder = state.recorder
        self.graph = state.compiled.graph
        self.processor = processor
        self.script = script
        self.conditions = conditions
        self.row_reader = intake
        self.due: deque[Work] = deque()
        """What had come due at the last look at the clock, and is not done yet."""
        self.looked = False
        """Whether the clock was looked at since the last row."""

    def done(self, work: Work) -> None:
        """A work that came due is being done."""
        if self.due and self.due[0] == work:
            self.due.popleft()

    def runnable(self) -> list[Work]:
        """Every work that the law allows now. The first is the one that production does."""
        self.looked = self.looked and bool(self.due)  # to ask is not to look: the next asker looks afresh
        first = self.first()
        return [first, *(work for work in self._allowed() if work != first)]

    def _allowed(self) -> Iterator[Work]:
        for live in self.state.live.values():
            work = self.processor.next_work(live)
            if work is not None and self._room(work):
                yield work
        ended = self.recorder.rows_read is not None
        if not ended:
            yield Work(Kind.END_OF_SOURCE if self.row_reader.peek() is None else Kind.READ)
        for name, aggregation in self.processor.aggregations.items():
            if aggregation.triggered is not None:
                yield Work(Kind.FLUSHED, name, key=aggregation.triggered.key)
        for holding in self.holdings():
            name, blocked = holding.node.name, self._blocked(holding)
            if blocked:
                continue
            if holding.deadline is not None:
                yield Work(Kind.DEADLINE, name, key=holding.key)
            if isinstance(holding.node.settings, AggregationNode) and holding.node.settings.condition is not None:
                yield Work(Kind.CONDITION, name, key=holding.key)
            if ended and self.nothing_upstream(holding):
                yield Work(Kind.FLUSH, name, key=holding.key)
        if ended and self.at_rest():
            yield Work(Kind.RUN_OVER)

    def _room(self, work: Work) -> bool:
        """Whether an aggregation can accept the token. It cannot if that would close a batch while another awaits its flush."""
        return work.kind is not Kind.ACCEPT or self.processor.aggregations[work.node].has_room()

    def _blocked(self, holding: Holding) -> bool:
        aggregation = self.processor.aggregations.get(holding.node.name)
        return aggregation is not None and aggregation.triggered is not None

    def holdings(self) -> list[Holding]:
        """Unresolved barriers and open batches, in the order of flushes."""
        executors = (*self.processor.coalesces.values(), *self.processor.aggregations.values())
        found = [holding for executor in executors for holding in executor.open.values()]
        return sorted(found, key=lambda holding: (holding.node.rank, holding.key))

    def nothing_upstream(self, holding: Holding) -> bool:
        """Whether no living token could still reach it. Tokens that are held at the same node have arrived already."""
        target = holding.node.name
        return not any(
            self.graph.reaches(live.node.name, target)
            for live in self.state.live.values()
            if not (live.phase is Phase.HELD and live.node.name == target)
        )

    def at_rest(self) -> bool:
        """Whether no token, barrier or batch is left."""
        return not self.state.live and not self.holdings() and not any(
            aggregation.triggered for aggregation in self.processor.aggregations.values()
        )  # fmt: skip

    def first(self) -> Work:
        """What production does next: what came due, triggered batches, the next token; then a look at the clock, or a row."""
        while True:
            while self.due:
                work = self.due[0]
                if self._still_open(work):
                    return work
                self.due.popleft()
            for name, aggregation in self.processor.aggregations.items():
                if aggregation.triggered is not None:
                    return Work(Kind.FLUSHED, name, key=aggregation.triggered.key)
            moving = self._next_token()
            if moving is not None:
                return moving
            if not self.looked:
                self.looked = True
                self.look()
                continue
            if self.recorder.rows_read is None:
                return Work(Kind.END_OF_SOURCE if self.row_reader.peek() is None else Kind.READ)
            for holding in self.holdings():
                if self.nothing_upstream(holding):
                    return Work(Kind.FLUSH, holding.node.name, key=holding.key)
            return Work(Kind.RUN_OVER)

    def _next_token(self) -> Work | None:
        """The next work of the first token in the queue that is alive and not held."""
        queue, living = self.state.queue, self.state.live
        while queue:
            live = queue[0]
            if living.get((live.info.row, live.info.token)) is live:
                work = self.processor.next_work(live)
                if work is not None:
                    return work
            queue.popleft()
        return None

    def _still_open(self, work: Work) -> bool:
        coalesce = self.processor.coalesces.get(work.node)
        if coalesce is not None:
            return work.key in coalesce.open
        aggregation = self.processor.aggregations[work.node]
        return work.key[0] in aggregation.open and aggregation.triggered is None

    def look(self) -> None:
        """Look at the clock. What has come due is done before any token moves, the earliest deadline first."""
        now = max(self.script.now(), self.recorder.at)
        due: list[Holding] = []
        for executor in (*self.processor.coalesces.values(), *self.processor.aggregations.values()):
            due += executor.due(now)
        self.due.extend(
            Work(Kind.DEADLINE, holding.node.name, key=holding.key) for holding in sorted(due, key=lambda h: h.turn)
        )
        for name in self.processor.aggregations:
            self.try_condition(name)

    def try_condition(self, name: str) -> None:
        """Note the condition of an open batch as due if it is true. A condition that cannot be evaluated counts as false."""
        compiled = self.conditions.get(name)
        batch = self.processor.aggregations[name].accepting
        if compiled is None or batch is None:
            return
        age = (self.script.now() - batch.first_at) / 1000
        try:
            if compiled.truth({"batch_count": len(batch.held), "batch_age_seconds": age}):
                self.due.append(Work(Kind.CONDITION, name, key=batch.key))
        except ExpressionError:
            return

"""The engine, driven from outside one step at a time: for adapters, tests and experiments.

`ScriptedRun` is one run whose driver decides everything that the engine leaves open: which row the source gives next,
which work is done next, what a node answers, what time it is, and when the engine commits or crashes. The code that
runs is the code of production. What the driver sees are the records of the trail (`written`, `trail`) and a picture of
what is alive (`token`, `lives`, `triggered`).

    run = ScriptedRun(graph, landscape)
    run.start()
    run.give(SourceRecord(0, {"n": 1}, {"n": "int"}))
    run.do(Work(Kind.READ))
    run.commit()
    run.written()           # the row, its token and the token's first hop

Not here: any decision. What is lawful is decided by the engine, and refused with `Refused`.
"""

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

from fateline_engine.clock import ManualClock
from fateline_engine.coalesce import CoalesceExecutor
from fateline_engine.compiled_graph import NodeRef
from fateline_engine.errors import EngineError
from fateline_engine.graph import ExecutionGraph
from fateline_engine.landscape import Landscape
from fateline_engine.merging import CannotMerge, Merged, merge
from fateline_engine.orchestrator import Orchestrator, Summary
from fateline_engine.plugins import Sink, SourceRecord
from fateline_engine.plugins.registry import Plugins
from fateline_engine.rows import PipelineRow
from fateline_engine.script import BatchInfo, Boundary, Production, Verdict, Work
from fateline_engine.settings import BatchMode, CoalesceNode, Merge, Node, NodeKind
from fateline_engine.state import Live, Phase
from fateline_engine.token_manager import TokenManager
from fateline_engine.tokens import TokenInfo
from fateline_engine.words import Reason

_Result = TypeVar("_Result")
Answer = Callable[[Node, TokenInfo | BatchInfo, int], Verdict]
"""The verdict of a node on a token or a batch, at this attempt."""


class NoAnswer(EngineError):
    """A node was asked for a verdict, and the driver had given none."""


class Commits(StrEnum):
    """Who decides when the engine commits."""

    EACH_STEP = "each step"
    WHEN_ASKED = "when asked"
    AS_CONFIGURED = "as configured"


class GivenRows:
    """A source whose records come from the driver. It gives the same records when it is read again."""

    def __init__(self) -> None:
        self.given: list[SourceRecord] = []

    def open(self) -> None: ...

    def close(self) -> None: ...

    def records(self, start: int = 0) -> Iterator[SourceRecord]:
        yield from self.given[start:]


class GivenAnswers(Production):
    """A script that gives the driver's latest answer, on a clock that only the driver moves."""

    def __init__(self, now: int = 0) -> None:
        self.clock: ManualClock = ManualClock(now)
        super().__init__(None, self.clock)
        self.answer: Answer | None = None
        self.merge_failures: deque[Reason | None] = deque()
        """For each merge to come, the reason why its data cannot be merged, or `None`: the data decide."""

    def verdict(self, node: Node, token: TokenInfo | BatchInfo, attempt: int) -> Verdict:
        if self.answer is None:
            raise NoAnswer(f"{node.name} was asked for a verdict, and none was given")
        return self.answer(node, token, attempt)

    def merge(self, node: CoalesceNode, arrived: Sequence[tuple[str, PipelineRow]]) -> Merged | CannotMerge:
        """The merge of the data, unless the driver has said that this union fails."""
        failure = self.merge_failures.popleft() if self.merge_failures else None
        if failure is not None and node.merge is Merge.UNION:
            return CannotMerge(failure, "given by the script")
        return merge(node, arrived)

    def boundary(self, kind: Boundary) -> None:
        """Nothing happens there."""


class LiveToken(NamedTuple):
    """A token that has no fate yet, and where it stands."""

    info: TokenInfo
    node: str
    kind: NodeKind
    phase: Phase


class TriggeredBatch(NamedTuple):
    """A batch that awaits its flush."""

    node: str
    number: int
    mode: BatchMode
    members: int


class ScriptedRun:
    """One run of one pipeline in an open landscape. `start` begins it; `resume` continues what a crash has left.

    `rows` is the source. Without it the run gets one of its own; a run that takes over from another after a crash needs
    the source of that one, since a resume reads again what was read.
    """

    def __init__(
        self,
        graph: ExecutionGraph,
        landscape: Landscape,
        script: GivenAnswers | None = None,
        *,
        run_id: str = "scripted",
        rows: GivenRows | None = None,
        sinks: Mapping[str, Sink] | None = None,
        commits: Commits = Commits.WHEN_ASKED,
    ) -> None:
        self.landscape = landscape
        self.script = script or GivenAnswers()
        self.run_id = run_id
        self._rows = rows or GivenRows()
        self._engine = Orchestrator(
            graph,
            landscape,
            plugins=None if sinks is None else Plugins(self._rows, sinks=dict(sinks)),
            script=self.script,
            source=self._rows,
            run_id=run_id,
            commit_rows=sys.maxsize if commits is Commits.WHEN_ASKED else None,
            each_step=commits is Commits.EACH_STEP,
        )
        found = landscape.bare.execute("SELECT last_seq FROM runs WHERE id = ?", (run_id,)).fetchone()
        self._read_to: int = found[0] if found else 0
        self._changes = 0

    # The run as a whole

    def start(self) -> None:
        """Begin the run. Nothing has been read; `written` does not show the record of the run itself."""
        self._engine.start()
        self.skip_written()

    def resume(self) -> None:
        """Continue the run after a crash: in one step, what the crash broke off is closed and begun again."""
        self._engine.take_up()

    def crash(self) -> None:
        """Lose what is in memory, as a crash does; only `resume` helps."""
        self._engine.crash()

    def run_to_end(self, rows: Iterable[SourceRecord]) -> Summary:
        """Begin the run, and let the engine do everything in its own order."""
        self._rows.given = list(rows)
        return self._engine.run()

    def commit(self) -> None:
        """Commit the steps that wait for it, if there are any."""
        if self._engine.recorder.dirty:
            self._engine.commit()

    def close(self) -> None:
        """Close source and sinks. The landscape belongs to the caller."""
        self._engine.close()

    # One step

    def give(self, record: SourceRecord) -> None:
        """The source has this record next, and nothing behind it. Its index is its place in the source."""
        self._rows.given[record.index :] = [record]
        self._engine.row_reader.begin(self._engine.recorder.rows_read is not None)

    def do(self, work: Work) -> None:
        """Do one work, as one step; `Refused` if it is not allowed now."""
        self._engine.do(work)

    def operate(self, operation: Callable[[TokenManager], _Result], *, tell_barriers: bool = True) -> _Result:
        """One operation of the token manager, as one step. `tell_barriers`: whether lost debts reach their barriers."""
        return self._engine.operate(
            operation if tell_barriers else lambda tokens: self._without_losses(tokens, operation)
        )

    def _without_losses(self, tokens: TokenManager, operation: Callable[[TokenManager], _Result]) -> _Result:
        try:
            return operation(tokens)
        finally:
            self._engine.state.losses.clear()

    @property
    def step(self) -> int:
        """The number of the latest step; its records carry it as `tx`."""
        return self._engine.recorder.tx

    # What is recorded

    def written(self) -> list[dict[str, Any]]:
        """The committed records of the trail that were not shown before, in their order."""
        changes = self.landscape.bare.total_changes
        if changes == self._changes:
            return []
        self._changes = changes
        found = self.landscape.trail.after(self.run_id, self._read_to)
        self._read_to = max([self._read_to, *(record["seq"] for record in found)])
        return found

    def skip_written(self) -> None:
        """Never show what is committed up to now."""
        self._read_to, self._changes = self._engine.recorder.seq, self.landscape.bare.total_changes

    def trail(self) -> list[dict[str, Any]]:
        """All committed records of the run."""
        return self.landscape.trail.after(self.run_id, 0)

    # What is alive

    @property
    def tokens(self) -> TokenManager:
        """The token manager, for its questions; an operation is a step and goes through `operate`."""
        return self._engine.tokens

    def coalesce(self, node: str) -> CoalesceExecutor:
        """The barriers of a coalesce; an event of one is a step and goes through `operate`."""
        return self._engine.processor.coalesces[node]

    def node(self, name: str) -> NodeRef:
        """A node as the engine walks it, with its edges by label."""
        return self._engine.compiled[name]

    def token(self, row: int, number: int) -> LiveToken | None:
        """The living token of these numbers."""
        live = self._engine.state.live.get((row, number))
        return None if live is None else LiveToken(live.info, live.node.name, live.node.kind, live.phase)

    def lives(self) -> list[Live]:
        """All living tokens, the oldest first."""
        return list(self._engine.state.live.values())

    def stranger(self, row: int, number: int, data: PipelineRow) -> TokenInfo:
        """A token of this run by numbers that no living token need have."""
        return TokenInfo(self._engine.recorder.run, row, number, data)

    def triggered(self, node: str) -> TriggeredBatch | None:
        """The batch of this aggregation that awaits its flush."""
        aggregation = self._engine.processor.aggregations.get(node)
        batch = None if aggregation is None else aggregation.triggered
        if aggregation is None or batch is None:
            return None
        return TriggeredBatch(node, batch.number, aggregation.settings.mode, len(batch.held))

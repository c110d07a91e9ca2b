"""`Orchestrator`: runs a pipeline, and resumes it.

It repeats two calls, `runnable()` and `do(work)`. It reads rows, looks at the clock before each row and first thing at the
end of the source, flushes what is left when nothing more can arrive, and commits whole steps. Production takes the first
work, first in first out. A script may choose any other work, or try one that is not allowed: then `Refused` names the rule.
Not here: what a work does to a token (`processor.py`), and how it is stored (`landscape`). The orchestrator holds nothing
that `recovery.py` could not build again.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from fateline_engine.barrier import Holding
from fateline_engine.compiled_graph import CompiledGraph
from fateline_engine.errors import LimitExceeded, Refused, ResumeRefused
from fateline_engine.graph import ExecutionGraph
from fateline_engine.landscape import Landscape, LandscapeRecorder
from fateline_engine.landscape.runs import RunRow, begin_run, find_run
from fateline_engine.plugins import PluginUnavailable, Sink, Source
from fateline_engine.plugins.registry import Plugins, bind
from fateline_engine.processor import RowProcessor
from fateline_engine.recovery import Recovery
from fateline_engine.resume_checks import refuse_another_source, refuse_tampered_data
from fateline_engine.row_reader import RowReader
from fateline_engine.schedule import Schedule
from fateline_engine.script import Boundary, Kind, Production, Script, Work
from fateline_engine.settings import GateNode, Pipeline
from fateline_engine.state import Phase, RunState
from fateline_engine.token_manager import Limits, TokenManager
from fateline_engine.words import Outcome, Refusal, RunStatus, VisitStatus

_T = TypeVar("_T")
_HEAVY: Final = 20_000
"""This many waiting records cause an early commit: one row may expand into thousands."""


@dataclass(frozen=True, slots=True)
class Summary:
    """How a run went."""

    run: str
    status: RunStatus
    rows: int
    outcomes: Mapping[Outcome, int]
    seconds: float
    stopped_by: str | None = None
    """Why the run is not over."""
    last_defence: tuple[str, ...] = ()
    """Barriers that had to be flushed. By the law that cannot happen: please report them."""

    @property
    def finished(self) -> bool:
        return self.status is RunStatus.COMPLETED


class Orchestrator:
    """One run of one pipeline. Most callers need only `Orchestrator(graph, landscape).run()`.

    `plugins` do the work and `script` decides. By default the plugins are those that the pipeline names, and the script is
    `Production`.
    `each_step` commits after every step instead of every `commit_rows` rows.
    """

    def __init__(
        self,
        pipeline: Pipeline | ExecutionGraph,
        landscape: Landscape,
        *,
        plugins: Plugins | None = None,
        script: Script | None = None,
        source: Source | None = None,
        run_id: str | None = None,
        limits: Limits | None = None,
        commit_rows: int | None = None,
        each_step: bool = False,
    ) -> None:
        self.graph = pipeline if isinstance(pipeline, ExecutionGraph) else ExecutionGraph.build(pipeline)
        self.landscape = landscape
        settings = self.graph.pipeline.run
        if plugins is None and script is None:
            plugins = bind(self.graph.pipeline)
        self.plugins = plugins
        self.script: Script = script or Production(plugins)
        self.source = source or (plugins.source if plugins else None)
        self.sinks: dict[str, Sink] = plugins.sinks if plugins else {}
        self.run_id = run_id
        self.limits = limits or Limits(row_bytes=settings.row_bytes, fan_out=settings.fan_out)
        self.commit_rows = settings.commit_rows if commit_rows is None else commit_rows
        self.each_step = each_step
        self.compiled = CompiledGraph(self.graph)
        self._check_fan_out()
        self._takes_the_first = isinstance(self.script, Production) and self.script.takes_the_first
        self._ignores_boundaries = isinstance(self.script, Production) and self.script.ignores_boundaries
        self._started = time.monotonic()
        self.last_defence: list[str] = []
        self._does: dict[Kind, Callable[[Work], None]] = {
            Kind.READ: self._read,
            Kind.FLUSHED: self._flushed,
            Kind.DEADLINE: self._deadline,
            Kind.CONDITION: self._condition,
            Kind.END_OF_SOURCE: self._end_of_source,
            Kind.FLUSH: self._flush,
            Kind.RUN_OVER: self._run_over,
        }
        self._up = False

    def _check_fan_out(self) -> None:
        for name in self.graph.declared:
            node = self.graph.node(name)
            if isinstance(node, GateNode) and len(node.fork) > self.limits.fan_out:
                raise LimitExceeded(f"branches of {name}", len(node.fork), self.limits.fan_out, "run.fan_out")

    # Whole runs

    def run(self) -> Summary:
        """Run from the first row to the end, or until the run stops."""
        self.start()
        return self._loop()

    def resume(self) -> Summary:
        """Resume a stopped run, and run it to the end."""
        self.take_up()
        return self._loop()

    def _loop(self) -> Summary:
        try:
            while self.recorder.status is not RunStatus.COMPLETED:
                self.do(self.schedule.first() if self._takes_the_first else self.script.choose(self.runnable()))
        except PluginUnavailable as error:
            return self._stop(str(error))
        except KeyboardInterrupt:
            return self._stop("interrupted from the keyboard")
        except SystemExit as error:
            return self._stop(f"a plugin called sys.exit({error.code!r})")
        finally:
            self.close()
        return self.summary()

    def _stop(self, why: str) -> Summary:
        """Go back to the last commit, and record there that the run has stopped. A resume repeats what was not committed."""
        self.rebuild()
        if self.recorder.status is RunStatus.RUNNING:
            self.recorder.step(self.script.now())
            self.recorder.mark_run(RunStatus.INTERRUPTED, self.recorder.rows_read)
            self.recorder.commit()
        self._up = False
        return self.summary(why)

    def summary(self, stopped_by: str | None = None) -> Summary:
        """How the run stands."""
        counts = {outcome: count for outcome, count in self.state.counts.items() if count}
        seconds = time.monotonic() - self._started
        return Summary(
            self.run_id or "", self.recorder.status, self.tokens.next_row, counts, seconds, stopped_by,
            tuple(self.last_defence),
        )  # fmt: skip

    # Beginning

    def start(self) -> None:
        """Begin a new run: write it into the landscape and open its plugins. Nothing is read."""
        if self._up:
            raise Refused(Refusal.RUN_UP, "the run is running already")
        self._open(resume=False)
        positions = {name: sink.position() for name, sink in self.sinks.items()}
        self._build(begin_run(self.landscape, self.graph, self.run_id, self.script.now(), positions))
        self.row_reader.begin(False)
        self._up = True

    def take_up(self) -> None:
        """Resume: in one step, what the crash interrupted is closed and begun again, and the run is running."""
        if self._up and self.recorder.status is RunStatus.COMPLETED:
            raise Refused(Refusal.RUN_OVER, "the run is over; nothing more happens in it")
        if self._up:
            raise Refused(Refusal.RUN_UP, "the run is not interrupted, so there is nothing to resume")
        found = self._resumable()
        self.run_id = found.id
        try:
            self._open(resume=True)
            self._build(found.run)
            refuse_another_source(self.landscape.conn, found.run, self.row_reader)
            refuse_tampered_data(self.landscape.conn, found.run)
            self._cut_back()
        except BaseException:
            self.close()
            raise
        self._load()
        self._up = True
        self.recorder.step(self.script.now())
        self.recorder.mark_run(RunStatus.RUNNING, self.recorder.rows_read)
        for live in list(self.state.queue):
            if live.phase is Phase.OPEN:
                self.state.close(live, VisitStatus.INTERRUPTED, None)
                self.state.begin(live)
        for aggregation in self.processor.aggregations.values():
            aggregation.begin_again()
        self.commit()

    def _open(self, *, resume: bool) -> None:
        """Open the plugins, all or none."""
        try:
            if self.source is not None:
                self.source.open()
            for sink in self.sinks.values():
                sink.open(resume=resume)
        except BaseException:
            self.close()
            raise

    def _resumable(self) -> RunRow:
        found = find_run(self.landscape, self.run_id)
        if found.status is RunStatus.COMPLETED:
            raise ResumeRefused(f"run {found.id} is over, so there is nothing to resume")
        if found.digest != self.graph.texts.digest:
            message = f"run {found.id} was begun on another pipeline, {found.pipeline}; resume it with that pipeline, unchanged"
            raise ResumeRefused(message)
        return found

    def _build(self, number: int) -> None:
        """Make an empty state for the run of this number."""
        self.recorder = LandscapeRecorder(self.landscape, number)
        self.state = RunState(self.recorder, self.compiled)
        self.tokens = TokenManager(self.state, self.limits)
        self.processor = RowProcessor(self.state, self.tokens, self.script)
        self.row_reader = RowReader(self.source, self.tokens)
        conditions = self.plugins.conditions if self.plugins else {}
        self.schedule = Schedule(self.state, self.processor, self.script, conditions, self.row_reader)
        if self.run_id is None:
            query = "SELECT id FROM runs WHERE run = ?"
            (self.run_id,) = self.landscape.conn.execute(query, (number,)).fetchone()

    def rebuild(self) -> None:
        """Forget what is in memory, and build it again from the trail."""
        self._build(self.recorder.run)
        self._load()

    def _load(self) -> None:
        Recovery(self.landscape, self.state, self.processor).load()
        self.row_reader.begin(self.recorder.rows_read is not None)

    def _cut_back(self) -> None:
        """Remove from every sink what no commit confirmed."""
        query = "SELECT n.name, p.position FROM positions AS p JOIN nodes AS n USING (run, node) WHERE p.run = ?"
        positions = dict(self.landscape.conn.execute(query, (self.recorder.run,)).fetchall())
        for name, sink in self.sinks.items():
            position = positions.get(name, "")
            if not re.fullmatch(r"-?\d{1,18}", position):
                message = f"the trail has no position of the sink {name}: restore the database from a copy"
                raise ResumeRefused(message)
            sink.truncate(int(position))

    def close(self) -> None:
        """Close source and sinks. The landscape is the caller's."""
        if self.source is not None:
            self.source.close()
        for sink in self.sinks.values():
            sink.close()

    def runnable(self) -> list[Work]:
        """Every work that the law allows now. The first is the one that production does."""
        up = self._up and self.recorder.status is RunStatus.RUNNING
        return self.schedule.runnable() if up else []

    # Doing it

    def do(self, work: Work) -> None:
        """Do one work, as one step. `Refused` names the rule that forbids it; then nothing has changed."""
        if not self._up:
            raise Refused(Refusal.RUN_DOWN, "the run is down; resume it")
        if self.recorder.status is RunStatus.COMPLETED:
            raise Refused(Refusal.RUN_OVER, "the run is over; nothing more happens in it")
        recorder = self.recorder
        if work.kind is Kind.READ and recorder.rows_pending >= self.commit_rows and recorder.rows_read is None:
            self.commit()
        doing = self._does.get(work.kind)
        with recorder.step(self.script.now()):
            if doing is not None:
                doing(work)
            else:
                self.processor.do(work)
        if work.kind is Kind.ACCEPT and work.token is not None:
            self.schedule.try_condition(self.state.live[work.token].node.name)
        if not self._ignores_boundaries:
            self.script.boundary(Boundary.STEP)
        heavy = recorder.seq - recorder.committed_seq > _HEAVY
        if (heavy or self.each_step) and recorder.status is not RunStatus.COMPLETED:
            self.commit()

    def commit(self) -> None:
        """Flush the sinks, then confirm their positions and everything else in one transaction."""
        script = self.script
        script.boundary(Boundary.COMMIT)
        positions = {}
        for node in self.processor.touched:
            sink = self.sinks.get(node.name)
            if sink is not None:
                sink.flush()
                positions[node.number] = sink.position()
        script.boundary(Boundary.SINKS_FLUSHED)
        self.recorder.commit(positions)
        self.processor.touched.clear()
        script.boundary(Boundary.COMMITTED)

    def _read(self, work: Work) -> None:
        if self.recorder.rows_read is not None:
            raise Refused(Refusal.SOURCE_ENDED, "the source has ended; no row is read after that")
        self.schedule.looked = False
        self.row_reader.read()
        self.processor.settle()

    def _end_of_source(self, work: Work) -> None:
        """No row is read after this. Production does this when the source has no more rows; a script may do it earlier."""
        if self.recorder.rows_read is not None:
            raise Refused(Refusal.SOURCE_ENDED, "the source has ended already")
        self.schedule.looked = False
        self.recorder.mark_run(RunStatus.RUNNING, self.tokens.next_row)

    def _deadline(self, work: Work) -> None:
        self.schedule.done(work)
        if work.node in self.processor.coalesces:
            self.processor.coalesces[work.node].deadline(*self._barrier_key(work))
        elif work.node in self.processor.aggregations:
            self.processor.aggregations[work.node].deadline(work.key[0])
        else:
            raise self._holds_nothing(work)
        self.processor.settle()

    @staticmethod
    def _holds_nothing(work: Work) -> Refused:
        """The refusal for a node that is neither coalesce nor aggregation; the key shows which of them was meant."""
        batch = len(work.key) == 1
        return Refused(Refusal.UNKNOWN_BATCH if batch else Refusal.UNKNOWN_BARRIER, f"{work.node} holds nothing")

    @staticmethod
    def _barrier_key(work: Work) -> tuple[int, int]:
        row, fork = work.key
        return row, fork

    def _condition(self, work: Work) -> None:
        self.schedule.done(work)
        if work.node not in self.processor.aggregations:
            raise Refused(Refusal.UNKNOWN_BATCH, f"{work.node} is no aggregation")
        self.processor.aggregations[work.node].condition(work.key[0])

    def _flushed(self, work: Work) -> None:
        if work.node not in self.processor.aggregations:
            raise Refused(Refusal.UNKNOWN_BATCH, f"{work.node} is no aggregation")
        self.processor.flush_batch(work.node, work.key[0])

    def _flush(self, work: Work) -> None:
        coalesce = self.processor.coalesces.get(work.node)
        aggregation = self.processor.aggregations.get(work.node)
        holding: Holding | None = None
        if coalesce is not None:
            holding = coalesce.known(*self._barrier_key(work))
        elif aggregation is not None:
            holding = aggregation.may_trigger(work.key[0])
        else:
            raise self._holds_nothing(work)
        if self.recorder.rows_read is None:
            raise Refused(Refusal.SOURCE_NOT_ENDED, "the source has not ended")
        if not self.schedule.nothing_upstream(holding):
            raise Refused(Refusal.UPSTREAM_IN_FLIGHT, f"something upstream could still reach {work.node}")
        if coalesce is not None:
            self.last_defence.append(f"{work.node}/{work.key[0]}:{work.key[1]}")
            coalesce.flush(*self._barrier_key(work))
        elif aggregation is not None:
            aggregation.flush(work.key[0])
        self.processor.settle()

    def _run_over(self, work: Work) -> None:
        if self.recorder.rows_read is None:
            raise Refused(Refusal.SOURCE_NOT_ENDED, "the source has not ended")
        if not self.schedule.at_rest():
            raise Refused(Refusal.NOT_AT_REST, "a token lacks its fate, or a barrier or batch is unfinished")
        self.recorder.mark_run(RunStatus.COMPLETED, self.recorder.rows_read)
        self.commit()

    # Scripts

    def operate(self, operation: Callable[[TokenManager], _T]) -> _T:
        """One lifecycle operation as a step of its own, with all that follows from it."""
        with self.recorder.step(self.script.now()):
            made = operation(self.tokens)
        self.processor.settle()
        if self.each_step:
            self.commit()
        return made

    def crash(self) -> None:
        """Lose everything that is in memory, as a crash does. Only `take_up` continues the run."""
        if not self._up:
            raise Refused(Refusal.RUN_DOWN, "the run is down already")
        self.recorder.discard()
        self._up = False

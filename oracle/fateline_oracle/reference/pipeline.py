"""The reference engine at the pipeline port.

Each stimulus becomes one `Work` of the engine's scripted mode, through the code that production runs; each reply is what
the engine's views `trail_*` show of the step. Every node that passes a row on adds a field named after itself, so that
the data of siblings differ and the digests in the trail say something. Not here: anything about the law.
"""

import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from fateline_engine.clock import ManualClock
from fateline_engine.errors import EngineBug, Refused
from fateline_engine.graph import ExecutionGraph
from fateline_engine.landscape import Landscape
from fateline_engine.merging import CannotMerge, Merged, merge
from fateline_engine.orchestrator import Orchestrator
from fateline_engine.plugins import BatchOutputs, Drop, Expand, Failure, Pass, SourceRecord
from fateline_engine.rows import PipelineRow
from fateline_engine.script import BatchInfo, Kind, Production, Route, Verdict, Work, Written
from fateline_engine.settings import BatchMode, CoalesceNode, Node, read_pipeline
from fateline_engine.tokens import TokenInfo
from fateline_engine.words import Reason
from fateline_model.stimuli import Do, Stimulus, Validity
from fateline_model.words import VERDICTS_OF, MergeData, NodeKind
from fateline_oracle.ports.port import Asked, EngineFault, Hold, Reply
from fateline_oracle.reference.views import Views

RUN: Final = "judged"
RUNS_IN_ONE: Final = 256
"""So many runs share a landscape: making one costs as much as a few runs."""
A_TIMEOUT: Final = 3_600_000
"""Milliseconds; longer than the timeout of any pipeline that is judged here."""
_VALIDITIES: Final = frozenset(Validity)

SAME = Pass({})
"""Stands for the token's own row and the mark of the node that passes it on. No two nodes give one field two values, so
data never conflict by themselves: what a merge says of data is the stimulus's to say."""
PASSED = BatchOutputs(())
"""Stands for the members' own rows, which only the engine has."""


_FAILURES = ("error", "error_retryable", "refused", "refused_retryable")


def passed_on(token: TokenInfo, node: Node, attempt: int) -> Verdict:
    """The token's own row, with the mark of the node that passes it on."""
    return Pass({**token.data, node.name: attempt})


class Rows:
    """A source that gives what the stimuli said so far, and again if it is asked again."""

    def __init__(self) -> None:
        self.given: list[str] = []

    def open(self) -> None: ...

    def close(self) -> None: ...

    def records(self, start: int = 0) -> Iterator[SourceRecord]:
        for index, validity in enumerate(self.given[start:], start):
            if validity == Validity.INVALID:
                yield SourceRecord(index, {"n": index}, error="invalid")
            else:
                yield SourceRecord(index, {"n": index}, {"n": "int"} if validity == Validity.VALID else None)


class Scripted(Production):
    """Says what the stimulus says."""

    def __init__(self) -> None:
        self.clock: ManualClock = ManualClock(0)
        super().__init__(None, self.clock)
        self.says: Verdict | None = None
        self.merges: deque[MergeData] = deque()

    def verdict(self, node: Node, token: TokenInfo | BatchInfo, attempt: int) -> Verdict:
        if self.says is None:
            raise EngineFault(f"{node.name} was asked for a verdict that nobody gave")
        if isinstance(token, BatchInfo) and self.says is PASSED:
            return BatchOutputs(token.rows)
        if isinstance(token, TokenInfo) and self.says is SAME:
            return passed_on(token, node, attempt)
        return self.says

    def merge(self, node: CoalesceNode, arrived: Sequence[tuple[str, PipelineRow]]) -> Merged | CannotMerge:
        word = self.merges.popleft() if self.merges else MergeData.OK
        if word is not MergeData.OK and node.merge == "union":
            return CannotMerge(Reason(word), "as the stimulus says")
        return merge(node, arrived)

    def boundary(self, kind: object) -> None:
        """Overridden, so that the engine does not take its silent path."""


class ReferencePort:
    """The reference engine over a landscape in memory; one run after the other in the same one, for a while."""

    def __init__(self) -> None:
        self._engine: Orchestrator | None = None
        self._landscape: Landscape | None = None
        self._graphs: dict[int, tuple[Mapping[str, object], ExecutionGraph]] = {}
        self._runs = 0

    def start(self, pipeline: Mapping[str, object]) -> None:
        if self._engine is not None:
            self._engine.close()
        if self._landscape is None or self._runs >= RUNS_IN_ONE:
            self._renew()
        self._runs += 1
        self._rows, self._script = Rows(), Scripted()
        self._engine = Orchestrator(
            self._graph(pipeline),
            self._landscape_now,
            script=self._script,
            source=self._rows,
            run_id=f"{RUN}-{self._runs}",
        )
        self._engine.start()
        self._engine.commit_rows = sys.maxsize
        self._seen = self._engine.recorder.seq
        self._given = 0

    def _renew(self) -> None:
        self.close()
        self._landscape = Landscape.open(":memory:")
        self._views = Views(self._landscape.conn)
        self._runs = 0

    def _graph(self, pipeline: Mapping[str, object]) -> ExecutionGraph:
        """Built once for all runs of the same document."""
        known = self._graphs.get(id(pipeline))
        if known is None or known[0] is not pipeline:
            known = self._graphs[id(pipeline)] = (pipeline, ExecutionGraph.build(read_pipeline(pipeline)))
        return known[1]

    @property
    def _landscape_now(self) -> Landscape:
        if self._landscape is None:
            raise EngineFault("no run was started")
        return self._landscape

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()
            self._engine = None
        if self._landscape is not None:
            self._landscape.close()
            self._landscape = None

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """What the trail says to a question in SQL, over the engine's views."""
        return list(self._landscape.conn.execute(query)) if self._landscape is not None else []

    def trail(self) -> list[dict[str, Any]]:
        return self._views.after(str(self._started.run_id), 0)

    @property
    def _started(self) -> Orchestrator:
        if self._engine is None:
            raise EngineFault("no run was started")
        return self._engine

    def do(self, asked: Asked) -> Reply:
        return self.together([asked])[0]

    def together(self, asked: Sequence[Asked]) -> list[Reply]:
        """One step each, and one commit for all of them; each record says by its `tx` of which step it is."""
        engine = self._started
        recorder, conn = engine.recorder, self._landscape_now.conn
        before = conn.total_changes, recorder.seq
        replies: list[Reply | int] = []
        for one in asked:
            unsaid = self._unsaid(engine, one)
            replies.append(self._one(engine, one) if unsaid is None else Reply(unsaid=unsaid))
            recorder = engine.recorder  # a crash makes another
        if recorder.dirty:
            try:
                engine.commit()
            except EngineBug as bug:
                raise EngineFault(str(bug)) from bug
        if (conn.total_changes, recorder.seq) == before:
            return [reply if isinstance(reply, Reply) else Reply() for reply in replies]
        steps: dict[int, list[dict[str, Any]]] = {}
        for record in self._views.after(str(engine.run_id), self._seen):
            steps.setdefault(record["tx"], []).append(record)
        self._seen = recorder.seq
        told = [reply if isinstance(reply, Reply) else Reply(steps.pop(reply, ())) for reply in replies]
        if steps:  # what no accepted step wrote: a refusal that left a trace, or a step torn in two
            more = [record for found in steps.values() for record in found]
            told[-1] = told[-1]._replace(records=[*told[-1].records, *more])
        return told

    def _one(self, engine: Orchestrator, asked: Asked) -> Reply | int:
        """A refusal, or the `tx` of the step that was done."""
        stimulus, hold = asked
        self._script.says = verdict_of(stimulus.do, stimulus.verdict)
        self._script.merges = deque(stimulus.data)
        if stimulus.do is Do.DEADLINE:
            self._script.clock.advance(A_TIMEOUT)
        try:
            self._do(engine, stimulus, hold)
        except Refused as refused:
            return Reply((), str(refused.refusal), refused.message)
        except EngineBug as bug:
            raise EngineFault(str(bug)) from bug
        self._given += stimulus.do is Do.READ
        return engine.recorder.tx

    def _unsaid(self, engine: Orchestrator, asked: Asked) -> str | None:
        """Why source and plugins have no words for this, if they have none."""
        stimulus, hold = asked
        if stimulus.do is Do.READ:
            if stimulus.verdict not in _VALIDITIES:
                return "a source says of a row that it is valid, invalid, or has no contract"
            return "a source gives its rows in order" if stimulus.row != self._given else None
        if stimulus.do not in (Do.FINISH, Do.FLUSHED):
            return None
        if verdict_of(stimulus.do, stimulus.verdict) is None:
            return "no plugin can give a verdict that is none of its words"
        if stimulus.do is Do.FINISH and self._of_another_kind(engine, stimulus):
            return "a failure is a failure: these plugins have no word for that of another kind of node"
        if hold is not None and self._speaks_otherwise(engine, hold, verdict_of(stimulus.do, stimulus.verdict)):
            return "these plugins answer with rows; the mode of the aggregation says what they mean"
        return None

    @staticmethod
    def _speaks_otherwise(engine: Orchestrator, hold: Hold, says: Verdict | None) -> bool:
        """Rows in passthrough mode are the members, if there are as many; in transform mode they never are."""
        aggregation = engine.processor.aggregations.get(hold.node)
        if aggregation is None or aggregation.triggered is None:
            return False
        members = len(aggregation.triggered.held)
        if aggregation.node.mode is not BatchMode.PASSTHROUGH:
            return says is PASSED
        return isinstance(says, BatchOutputs) and says is not PASSED and len(says.rows) == members

    @staticmethod
    def _of_another_kind(engine: Orchestrator, stimulus: Stimulus) -> bool:
        live = engine.state.live.get(_token(stimulus.token or ""))
        return (
            live is not None
            and stimulus.verdict in _FAILURES
            and stimulus.verdict not in VERDICTS_OF.get(NodeKind(live.place.kind), ())
        )

    def _do(self, engine: Orchestrator, stimulus: Stimulus, hold: Hold | None) -> None:
        if stimulus.do is Do.CRASH:
            engine.crash()
        elif stimulus.do is Do.RESUME:
            engine.take_up()
        else:
            if stimulus.do is Do.READ:
                self._rows.given[self._given :] = [str(stimulus.verdict)]
                engine.intake.begin(engine.recorder.rows_read is not None)
            engine.do(_work(stimulus, hold))


def _work(stimulus: Stimulus, hold: Hold | None) -> Work:
    kind = _KINDS.get(stimulus.do)
    assert kind is not None, "crash and resume are no works"
    if hold is not None:
        return Work(kind, hold.node, key=_key(hold))
    return Work(kind, token=_token(stimulus.token) if stimulus.token is not None else None)


def _key(hold: Hold) -> tuple[int, ...]:
    if hold.token is not None:
        return _token(hold.token)
    return (int((hold.batch or "").rpartition("#")[2] or "-1"),)


def _token(token: str) -> tuple[int, int]:
    """`row:token` as the views say it; whatever else somebody says is a token that never was."""
    row, _, number = token.partition(":")
    return (int(row), int(number)) if row.isdecimal() and number.isdecimal() else (-1, -1)


_KINDS: Final[dict[str, Kind]] = {str(kind): kind for kind in Kind}
_SIMPLE: Final[dict[str, Verdict]] = {
    "pass": SAME,
    "drop": Drop(),
    "error": Failure("as the stimulus says"),
    "error_retryable": Failure("as the stimulus says", True),
    "written": Written(),
    "refused": Failure("as the stimulus says"),
    "refused_retryable": Failure("as the stimulus says", True),
    "empty": Drop(),
    "passed": PASSED,
}


@lru_cache(maxsize=4096)
def verdict_of(do: str, verdict: str | None) -> Verdict | None:
    """What a plugin says where the stimulus says this; None where it has no word for that."""
    if do not in (Do.FINISH, Do.FLUSHED):
        return None
    word, _, argument = (verdict or "").partition(" ")
    many = range(int(argument)) if argument.isdecimal() and len(argument) < 5 else range(0)
    if word == "route" and argument:
        return Route(argument)
    if word == "expand" and many:
        return Expand(tuple({"n": number} for number in many))
    if word == "outputs" and many:
        return BatchOutputs(tuple({"n": number} for number in many))
    return _SIMPLE.get(word) if not argument else None

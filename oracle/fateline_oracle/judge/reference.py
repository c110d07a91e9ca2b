"""The reference engine's adapter to the pipeline port: it translates, and decides nothing.

Each stimulus becomes one `Work` of the engine's scripted mode, through the code that production runs; each reply is what
the engine's views `trail_*` show of the step. Not here: anything about the law.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fateline_engine.clock import ManualClock
from fateline_engine.errors import EngineBug, Refused
from fateline_engine.landscape import Landscape
from fateline_engine.landscape.export import records
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

from .port import EngineFault, Hold, NotOffered, Reply

RUN = "judged"


_SAME = Pass({})
"""Stands for the token's own row: what a merge says of data is the stimulus's to say, so data never differ by themselves."""
_PASSED = BatchOutputs(())
"""Stands for the members' own rows, which only the engine has."""


_FAILURES = ("error", "error_retryable", "refused", "refused_retryable")


class _Rows:
    """A source that gives what the next stimulus says."""

    def __init__(self) -> None:
        self.next: deque[str] = deque()
        self.given: list[str] = []

    def open(self) -> None: ...

    def close(self) -> None: ...

    def records(self, start: int = 0) -> Iterator[SourceRecord]:
        index = start
        while True:
            if not self.next:
                return
            validity = self.next.popleft()
            if validity == Validity.INVALID:
                yield SourceRecord(index, {"n": index}, error="invalid")
            else:
                yield SourceRecord(index, {"n": index}, {"n": "int"} if validity == Validity.VALID else None)
            index += 1


class _Script(Production):
    """Says what the stimulus says."""

    def __init__(self) -> None:
        super().__init__(None, ManualClock(0))
        self.says: Verdict | None = None
        self.merges: deque[MergeData] = deque()

    def verdict(self, node: Node, token: TokenInfo | BatchInfo, attempt: int) -> Verdict:
        if self.says is None:
            raise EngineFault(f"{node.name} was asked for a verdict that nobody gave")
        if isinstance(token, BatchInfo) and self.says is _PASSED:
            return BatchOutputs(token.rows)
        if isinstance(token, TokenInfo) and self.says is _SAME:
            return Pass(token.data)
        return self.says

    def merge(self, node: CoalesceNode, arrived: Sequence[tuple[str, PipelineRow]]) -> Merged | CannotMerge:
        word = self.merges.popleft() if self.merges else MergeData.OK
        if word is not MergeData.OK and node.merge == "union":
            return CannotMerge(Reason(word), "as the stimulus says")
        return merge(node, arrived)

    def boundary(self, kind: object) -> None:
        """Overridden, so that the engine does not take its silent path."""


class ReferencePort:
    """The reference engine over a landscape in memory, one commit a step."""

    def __init__(self) -> None:
        self._engine: Orchestrator | None = None

    def start(self, pipeline: Mapping[str, object]) -> None:
        self.close()
        self._rows, self._script = _Rows(), _Script()
        self._landscape = Landscape.open(":memory:")
        self._engine = Orchestrator(
            read_pipeline(pipeline),
            self._landscape,
            script=self._script,
            source=self._rows,
            run_id=RUN,
            each_step=True,
        )
        self._engine.start()
        self._seen = self._engine.recorder.seq

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()
            self._landscape.close()
            self._engine = None

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """What the trail says to a question in SQL, over the engine's views."""
        return list(self._landscape.conn.execute(query)) if self._engine is not None else []

    def do(self, stimulus: Stimulus, hold: Hold | None) -> Reply:
        engine = self._engine
        if engine is None:
            raise EngineFault("no run was started")
        if stimulus.do is Do.READ and stimulus.verdict not in list(Validity):
            raise NotOffered("a source says of a row that it is valid, invalid, or has no contract")
        self._script.says = _verdict(stimulus)
        if stimulus.do is Do.FINISH and self._of_another_kind(engine, stimulus):
            raise NotOffered(
                "a failure is a failure: this engine's plugins have no word for that of another kind of node"
            )
        self._script.merges = deque(stimulus.data)
        if stimulus.do is Do.FLUSHED and hold is not None and self._speaks_otherwise(engine, hold):
            raise NotOffered("this engine's plugins answer with rows; the mode of the aggregation says what they mean")
        try:
            self._do(engine, stimulus, hold)
        except Refused as refused:
            return Reply((), str(refused.refusal), refused.message)
        except EngineBug as bug:
            raise EngineFault(str(bug)) from bug
        found = tuple(records(self._landscape, RUN, after=self._seen)) if engine.recorder.seq > self._seen else ()
        self._seen = max(self._seen, engine.recorder.seq)
        return Reply(found)

    def _speaks_otherwise(self, engine: Orchestrator, hold: Hold) -> bool:
        """Rows in passthrough mode are the members, if there are as many; in transform mode they never are."""
        aggregation = engine.processor.aggregations.get(hold.node)
        if aggregation is None or aggregation.triggered is None:
            return False
        says, members = self._script.says, len(aggregation.triggered.held)
        if aggregation.node.mode is not BatchMode.PASSTHROUGH:
            return says is _PASSED
        return isinstance(says, BatchOutputs) and says is not _PASSED and len(says.rows) == members

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
                self._rows.next = deque([str(stimulus.verdict)])
                engine.intake.begin(engine.recorder.rows_read is not None)
            engine.do(_work(stimulus, hold))


def _work(stimulus: Stimulus, hold: Hold | None) -> Work:
    kind = Kind(str(stimulus.do))
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


def _verdict(stimulus: Stimulus) -> Verdict | None:
    word, _, argument = (stimulus.verdict or "").partition(" ")
    simple: dict[str, Verdict] = {
        "pass": _SAME,
        "drop": Drop(),
        "error": Failure("as the stimulus says"),
        "error_retryable": Failure("as the stimulus says", True),
        "written": Written(),
        "refused": Failure("as the stimulus says"),
        "refused_retryable": Failure("as the stimulus says", True),
        "empty": Drop(),
        "passed": _PASSED,
    }
    if stimulus.do not in (Do.FINISH, Do.FLUSHED):
        return None
    many = range(int(argument)) if argument.isdecimal() else range(0)
    if word == "route" and argument:
        return Route(argument)
    if word == "expand" and many:
        return Expand(tuple({"n": number} for number in many))
    if word == "outputs" and many:
        return BatchOutputs(tuple({"n": number} for number in many))
    if word not in simple or argument:
        raise NotOffered(f"no plugin can answer {stimulus.verdict!r}")
    return simple[word]

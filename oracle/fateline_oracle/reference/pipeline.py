"""The reference engine at the pipeline port.

Each stimulus becomes one `Work` of a `ScriptedRun`; each reply holds the records that the engine's views `trail_*` show
of the step. The verdict of a stimulus becomes an answer of a node in `answers.py`. Not here: anything about the law.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fateline_engine.errors import EngineBug, Refused
from fateline_engine.graph import ExecutionGraph
from fateline_engine.landscape import Landscape
from fateline_engine.script import Kind, Work
from fateline_engine.scripted import NoAnswer, ScriptedRun
from fateline_engine.settings import read_pipeline
from fateline_model.stimuli import Do, Stimulus
from fateline_oracle.ports.port import EngineFault, Hold, Reply, Request
from fateline_oracle.reference.answers import Data, answer_of, data_for, merge_failures, record_of, unsupported

RUN: Final = "judged"
RUNS_IN_ONE: Final = 256
"""How many runs share a landscape: making one takes as long as a few runs."""
A_TIMEOUT: Final = 3_600_000
"""Milliseconds; longer than the timeout of any pipeline that is judged here."""


class ReferencePort:
    """The reference engine over a landscape in memory, which a number of runs share one after the other."""

    def __init__(self) -> None:
        self._run: ScriptedRun | None = None
        self._landscape: Landscape | None = None
        self._graphs: dict[int, tuple[Mapping[str, object], ExecutionGraph]] = {}
        self._runs = self._given = 0
        self._data = Data.COLLIDING

    def start(self, pipeline: Mapping[str, object]) -> None:
        if self._run is not None:
            self._run.close()
        if self._landscape is None or self._runs >= RUNS_IN_ONE:
            self.close()
            self._landscape, self._runs = Landscape.open(":memory:"), 0
        self._runs += 1
        self._run = ScriptedRun(self._graph(pipeline), self._landscape, run_id=f"{RUN}-{self._runs}")
        self._run.start()
        self._given, self._data = 0, data_for(pipeline)

    def _graph(self, pipeline: Mapping[str, object]) -> ExecutionGraph:
        """Built once for all runs of the same document."""
        known = self._graphs.get(id(pipeline))
        if known is None or known[0] is not pipeline:
            known = self._graphs[id(pipeline)] = (pipeline, ExecutionGraph.build(read_pipeline(pipeline)))
        return known[1]

    def close(self) -> None:
        if self._run is not None:
            self._run.close()
            self._run = None
        if self._landscape is not None:
            self._landscape.close()
            self._landscape = None

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """What the trail answers to a question in SQL, over the engine's views."""
        return list(self._landscape.conn.execute(query)) if self._landscape is not None else []

    def trail(self) -> list[dict[str, Any]]:
        return self._started.trail()

    @property
    def _started(self) -> ScriptedRun:
        if self._run is None:
            raise EngineFault("no run was started")
        return self._run

    def do(self, asked: Request) -> Reply:
        return self.together([asked])[0]

    def together(self, asked: Sequence[Request]) -> list[Reply]:
        """One step each, and one commit for all of them; each record says by its `tx` of which step it is."""
        replies = [self._one(one) for one in asked]
        try:
            self._started.commit()
        except EngineBug as bug:
            raise EngineFault(str(bug)) from bug
        steps: dict[int, list[dict[str, Any]]] = {}
        for record in self._started.written():
            steps.setdefault(record["tx"], []).append(record)
        told = [reply if isinstance(reply, Reply) else Reply(steps.pop(reply, ())) for reply in replies]
        if steps:  # what no accepted step wrote: a refusal that left a trace, or a step torn in two
            more = [record for found in steps.values() for record in found]
            told[-1] = told[-1]._replace(records=[*told[-1].records, *more])
        return told

    def _one(self, asked: Request) -> Reply | int:
        """What cannot be asked, a refusal, or the `tx` of the step that was done."""
        run, (stimulus, hold) = self._started, asked
        why = unsupported(run, asked, self._given, token_of(stimulus.token or ""))
        if why is not None:
            return Reply(unsupported=why)
        run.script.answer = answer_of(stimulus.do, stimulus.verdict, self._data)
        run.script.merge_failures = deque(merge_failures(stimulus.data))
        if stimulus.do is Do.DEADLINE:
            run.script.clock.advance(A_TIMEOUT)
        try:
            self._do(run, stimulus, hold)
        except Refused as refused:
            return Reply((), str(refused.refusal), refused.message)
        except (EngineBug, NoAnswer) as bug:
            raise EngineFault(str(bug)) from bug
        self._given += stimulus.do is Do.READ
        return run.step

    def _do(self, run: ScriptedRun, stimulus: Stimulus, hold: Hold | None) -> None:
        if stimulus.do is Do.CRASH:
            run.crash()
        elif stimulus.do is Do.RESUME:
            run.resume()
        else:
            if stimulus.do is Do.READ:
                run.give(record_of(self._given, stimulus.verdict, self._data))
            run.do(_work(stimulus, hold))


def _work(stimulus: Stimulus, hold: Hold | None) -> Work:
    kind = _KINDS[stimulus.do]
    if hold is not None:
        return Work(kind, hold.node, key=_key(hold))
    return Work(kind, token=token_of(stimulus.token) if stimulus.token is not None else None)


def _key(hold: Hold) -> tuple[int, ...]:
    if hold.token is not None:
        return token_of(hold.token)
    return (int((hold.batch or "").rpartition("#")[2] or "-1"),)


def token_of(token: str) -> tuple[int, int]:
    """`row:token` as the views write it; any other text is a token that never was."""
    row, _, number = token.partition(":")
    return (int(row), int(number)) if row.isdecimal() and number.isdecimal() else (-1, -1)


_KINDS: Final[dict[str, Kind]] = {str(kind): kind for kind in Kind}

"""Makes an engine out of a process that speaks the protocol: each of its four ports sends messages and returns the
answers.

Not here: bytes (`process.py`), and checks of an answer beyond its shape (`validate.py`).
"""

import shlex
from collections.abc import Iterable, Mapping, Sequence

from fateline_model import LAW_VERSION
from fateline_model.barrier_machine import BarrierStimulus
from fateline_model.lifecycle import Operation, World

from .messages import (
    VERSION,
    Answer,
    BarrierRequest,
    BarrierStart,
    Begun,
    Done,
    DoRequest,
    HelloAnswer,
    HelloRequest,
    HoldSaid,
    JudgeMessage,
    OperationRequest,
    RecordsAnswer,
    ReplyJson,
    RunRequest,
    RunsStart,
    Start,
    StimulusJson,
    TokenJson,
    TrailRequest,
    VerdictAnswer,
    VerdictRequest,
)
from .port import (
    Clock,
    Does,
    Drive,
    EngineFault,
    Hello,
    Port,
    RecordJson,
    Reply,
    Request,
    Shows,
    Verdicts,
)
from .process import EngineProcess


class ProcessEngine:
    """An engine in a separate process. It gets `hello` again whenever it had to be started again."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = EngineProcess(command)
        self._said: HelloAnswer | None = None

    def hello(self) -> Hello:
        said = self._greet()
        try:
            return Hello(
                said.name,
                said.version,
                said.law_version,
                frozenset(map(Port, said.ports)),
                frozenset(map(Does, said.does)),
                frozenset(map(Shows, said.shows)),
                Drive(said.drive),
                Clock(said.clock),
            )
        except ValueError as error:
            raise EngineFault(f"hello: {error}; specs/ports.md lists the words") from None

    def _greet(self) -> HelloAnswer:
        if self._said is None or not self._process.running:
            said = self._process.ask(HelloRequest(self._process.number(), VERSION, LAW_VERSION))
            assert isinstance(said, HelloAnswer)
            if self._said is not None and said != self._said:
                before = {name: getattr(self._said, name) for name in said.__struct_fields__ if name != "id"}
                if any(getattr(said, name) != value for name, value in before.items()):
                    raise EngineFault("hello: the engine declares something else after it was started again")
            self._said = said
        return self._said

    def ask(self, asked: JudgeMessage, back: Verdicts | None = None) -> Answer:
        """Ask the process. A new process gets `hello` first."""
        self._greet()

        def answer(wanted: VerdictRequest) -> JudgeMessage:
            assert back is not None
            return VerdictAnswer(wanted.id, back(wanted.node, wanted.token, wanted.attempt))

        return self._process.ask(asked, answer if back is not None else None)

    def number(self) -> int:
        return self._process.number()

    def _offers(self, port: Port) -> bool:
        return port in self._greet().ports

    def operations(self) -> frozenset[str]:
        return frozenset(self._greet().operations)

    def pipeline(self) -> "PipelineOfProcess | None":
        return PipelineOfProcess(self) if self._offers(Port.PIPELINE) else None

    def lifecycle(self) -> "LifecycleOfProcess | None":
        return LifecycleOfProcess(self) if self._offers(Port.LIFECYCLE) else None

    def barrier(self) -> "BarrierOfProcess | None":
        return BarrierOfProcess(self) if self._offers(Port.BARRIER) else None

    def trail(self) -> "TrailOfProcess | None":
        return TrailOfProcess(self) if self._offers(Port.TRAIL) else None

    def close(self) -> None:
        self._process.close()

    @property
    def starts(self) -> int:
        """The number of times that the process was started."""
        return self._process.starts


class _OfProcess:
    def __init__(self, engine: ProcessEngine) -> None:
        self._engine = engine

    def close(self) -> None:
        """Keep the process for the next port."""

    def _one(self, asked: JudgeMessage) -> Reply:
        return self._replies(asked, 1)[0]

    def _replies(self, asked: JudgeMessage, count: int) -> list[Reply]:
        done = self._engine.ask(asked)
        assert isinstance(done, Done)
        if len(done.replies) != count:
            raise EngineFault(f"the engine gave {len(done.replies)} replies to {count} stimuli")
        return [_reply(one) for one in done.replies]


def _reply(said: ReplyJson) -> Reply:
    return Reply(said.records, said.refused, said.message, said.unsupported or said.unsaid)


class PipelineOfProcess(_OfProcess):
    """Port `pipeline`."""

    def start(self, pipeline: Mapping[str, object]) -> None:
        self._engine.ask(Start(self._engine.number(), dict(pipeline)))

    def do(self, asked: Request) -> Reply:
        return self.together([asked])[0]

    def together(self, asked: Sequence[Request]) -> list[Reply]:
        return self._replies(DoRequest(self._engine.number(), [_stimulus(one) for one in asked]), len(asked))

    def trail(self) -> Iterable[RecordJson]:
        answer = self._engine.ask(TrailRequest(self._engine.number()))
        assert isinstance(answer, RecordsAnswer)
        return answer.records


def _stimulus(asked: Request) -> StimulusJson:
    stimulus, hold = asked
    named = HoldSaid(hold.node, hold.token, hold.batch) if hold is not None else None
    data = [str(word) for word in stimulus.data]
    return StimulusJson(str(stimulus.do), stimulus.row, stimulus.token, stimulus.verdict, named, data)


class BarrierOfProcess(_OfProcess):
    """Port `barrier`."""

    def start(self, coalesce: Mapping[str, object]) -> Mapping[str, str]:
        begun = self._engine.ask(BarrierStart(self._engine.number(), dict(coalesce)))
        assert isinstance(begun, Begun)
        return begun.tokens

    def do(self, stimulus: BarrierStimulus) -> Reply:
        data = [str(word) for word in stimulus.data]
        return self._one(BarrierRequest(self._engine.number(), stimulus.do.value, stimulus.branch, data))


class LifecycleOfProcess(_OfProcess):
    """Port `lifecycle`."""

    def start(self, runs: int) -> Sequence[str]:
        begun = self._engine.ask(RunsStart(self._engine.number(), runs))
        assert isinstance(begun, Begun)
        return begun.runs

    def offers(self, operation: Operation, world: World) -> bool:
        return operation.op in self._engine.operations()

    def do(self, operation: Operation) -> Reply:
        tokens = [TokenJson(ref.run, ref.name) for ref in operation.tokens]
        fields = operation._asdict() | {
            "op": str(operation.op), "tokens": tokens, "branches": list(operation.branches), "fields": list(operation.fields),
            "outcome": str(operation.outcome) if operation.outcome is not None else None,
        }  # fmt: skip
        return self._one(OperationRequest(self._engine.number(), **fields))


class TrailOfProcess(_OfProcess):
    """Port `trail`."""

    def run(self, pipeline: Mapping[str, object], rows: Sequence[str], verdicts: Verdicts) -> Iterable[RecordJson]:
        answer = self._engine.ask(RunRequest(self._engine.number(), dict(pipeline), list(rows)), verdicts)
        assert isinstance(answer, RecordsAnswer)
        return answer.records


def process_engine(words: str) -> ProcessEngine:
    """The engine of a command, written as in a shell."""
    return ProcessEngine(shlex.split(words))

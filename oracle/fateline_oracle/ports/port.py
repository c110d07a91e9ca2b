"""Defines what an engine offers to be checked: four ports, each a small protocol class, and what the engine declares.

An adapter translates and makes no decision. Stimuli carry the ids of the engine, which the judge has learnt from its
records. An engine offers some of the ports (`Engine` gives None for the others) and declares in `Hello` what it does, what its
records show and how it is driven. Not here: what follows from that for each law (`compare/capabilities.py`), and the stepping.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import NamedTuple, Protocol, runtime_checkable

from fateline_model.barrier_machine import BarrierStimulus
from fateline_model.lifecycle import Operation, World
from fateline_model.stimuli import Stimulus

RecordJson = Mapping[str, object]
"""One record, as the JSON object of one line: `{"rec": "<relation>", …}`."""


class Reply(NamedTuple):
    """The answer of an engine to a stimulus: the records of the step, or a refusal with the word of the rule.

    Or `unsupported`: the port does not support this stimulus, and why. The stimulus is skipped and counted; it counts neither
    for nor against the engine.
    """

    records: Sequence[RecordJson] = ()
    refused: str | None = None
    message: str = ""
    unsupported: str | None = None


class Hold(NamedTuple):
    """A barrier or a batch, named by the engine's ids: the node, and the forked token or the batch."""

    node: str
    token: str | None = None
    batch: str | None = None


class Request(NamedTuple):
    """One stimulus for an engine: `stimulus.token` is the engine's id, `hold` is what `stimulus.hold` names."""

    stimulus: Stimulus
    hold: Hold | None = None


# ------------------------------------------------------------------------------------------------- the declaration


class Port(StrEnum):
    LIFECYCLE = "lifecycle"
    BARRIER = "barrier"
    PIPELINE = "pipeline"
    TRAIL = "trail"


class Does(StrEnum):
    """What an engine can do, where engines differ."""

    REQUIRE_ALL = "require_all"
    QUORUM = "quorum"
    BEST_EFFORT = "best_effort"
    FIRST = "first"
    UNION = "union"
    NESTED = "nested"
    SELECT = "select"
    COLLISIONS = "collisions"
    NESTING = "nesting"
    PARTIAL_JOINS = "partial_joins"
    BATCHES = "batches"
    EXPANSION = "expansion"
    RETRIES = "retries"
    DEADLINES = "deadlines"
    INVALID_ROWS = "invalid_rows"
    CRASH = "crash"
    BOUNDARIES = "boundaries"


class Shows(StrEnum):
    """What an engine's records contain beyond runs, rows, tokens, parents and outcomes."""

    VISITS = "visits"
    HOPS = "hops"
    BARRIERS = "barriers"
    LOSSES = "losses"
    MERGES = "merges"
    BATCHES = "batches"
    DIGESTS = "digests"
    REASONS = "reasons"
    TIMES = "times"
    SEQ = "seq"
    TX = "tx"
    REFUSALS = "refusals"


class Drive(StrEnum):
    LOCKSTEP = "lockstep"
    WHOLE_RUN = "whole_run"


class Clock(StrEnum):
    """Who decides when a deadline has passed: the judge, the wall clock, or nobody."""

    INJECTED = "injected"
    REAL = "real"
    NONE = "none"


DEFAULT_DOES = frozenset(Does) - {Does.BOUNDARIES}
"""The default of `Hello.does`: everything except `boundaries`, which needs a separate port."""


class Hello(NamedTuple):
    """What an engine declares. What needs something that it does not declare is left out and counted."""

    name: str
    version: str
    law_version: str
    ports: frozenset[Port]
    does: frozenset[Does] = DEFAULT_DOES
    shows: frozenset[Shows] = frozenset(Shows)
    drive: Drive = Drive.LOCKSTEP
    clock: Clock = Clock.INJECTED


# ------------------------------------------------------------------------------------------------- the ports


class PipelinePort(Protocol):
    """Runs of pipelines, one at a time."""

    def start(self, pipeline: Mapping[str, object]) -> None:
        """Begin a new run of this pipeline, in the form of `specs/pipeline.md`. An earlier run is abandoned."""
        ...

    def do(self, asked: Request) -> Reply:
        """Take one step for one stimulus, and commit it."""
        ...

    def together(self, asked: Sequence[Request]) -> Sequence[Reply]:
        """Take one step for each stimulus, in this order. An engine may commit them together.

        Each stimulus is about a different row, with one exception: a visit may begin and finish. Then the record of its end
        replaces that of its beginning, which need not be given.
        """
        ...

    def trail(self) -> Iterable[RecordJson]:
        """Everything that is recorded of this run until now."""
        ...

    def close(self) -> None:
        """Abandon the run and release what it holds."""
        ...


class Write(StrEnum):
    """What an engine is about to do at a boundary. A kill at the boundary comes before it."""

    TRANSACTION = "transaction"
    STATEMENT = "statement"
    PAYLOAD = "payload"
    COMMIT = "commit"
    SINK_WRITE = "sink_write"
    SINK_TORN = "sink_torn"
    SINK_FLUSH = "sink_flush"
    SINK_CUT = "sink_cut"


class Boundary(NamedTuple):
    """One moment just before a write: the write that comes next, and a digest of what a kill at this moment leaves.

    Two boundaries have the same digest only if the same is committed and the same bytes are in the sinks.
    """

    write: str
    digest: str


class CommitPolicy(StrEnum):
    """When an engine commits: after each step, or as it does by default."""

    STEP = "step"
    DEFAULT = "default"


@runtime_checkable
class CrashPort(Protocol):
    """A pipeline port whose engine can be killed at each of its write boundaries. `crash()` of an engine that declares
    `boundaries` returns it.

    Every sink stores each effect as the id of its token. A reply may have no records while nothing is committed. The ids of
    tokens follow from the stimuli, so that the same stimuli can be sent again.
    """

    def begin(self, pipeline: Mapping[str, object], policy: CommitPolicy) -> None:
        """Begin a new run, in a new place, and report its boundaries. An earlier run is abandoned."""
        ...

    def do(self, asked: Request) -> Reply:
        """Take one step for one stimulus. `resume` is sent after `crash_to`."""
        ...

    def boundaries(self) -> Sequence[Boundary]:
        """The boundaries that were met since the last call, in their order."""
        ...

    def crash_to(self, digest: str, policy: CommitPolicy | None) -> None:
        """Stop, and leave behind what a kill at a boundary with this digest leaves. The boundary was met since `begin`.

        `policy` is the policy of the engine that is started next on what is left. Without a policy it may commit at any
        time, and need not report its boundaries.
        """
        ...

    def trail(self) -> Iterable[RecordJson]:
        """Everything that is recorded of the run until now; nothing if the run never began."""
        ...

    def sinks(self) -> Mapping[str, Sequence[str]]:
        """What a reader of each sink sees, in its order: for each effect the id of its token."""
        ...

    def close(self) -> None:
        """Abandon the run and release what it holds."""
        ...


class LifecyclePort(Protocol):
    """The operations of a token manager, also with wrong arguments, over several runs without a pipeline."""

    def start(self, runs: int) -> Sequence[str]:
        """Begin this number of empty runs. Returns the run ids that their records carry."""
        ...

    def offers(self, operation: Operation, world: World) -> bool:
        """True if the port supports this operation, with tokens by their names, in this state of the law."""
        ...

    def do(self, operation: Operation) -> Reply:
        """Run one operation, with tokens by the engine's ids."""
        ...

    def close(self) -> None:
        """Abandon the runs."""
        ...


class BarrierPort(Protocol):
    """One barrier of one coalesce."""

    def start(self, coalesce: Mapping[str, object]) -> Mapping[str, str]:
        """Begin one barrier of this coalesce, in the form of `specs/pipeline.md`. Nothing has arrived yet.

        Returns the ids of its tokens by branch, and under the empty name the id of the forked token.
        """
        ...

    def do(self, stimulus: BarrierStimulus) -> Reply:
        """One event. It names a branch, never a token."""
        ...

    def close(self) -> None:
        """Abandon the barrier."""
        ...


class TrailPort(Protocol):
    """Whole runs: the engine chooses the order; the judge gives rows and verdicts, and reads what was recorded."""

    def run(self, pipeline: Mapping[str, object], rows: Sequence[str], verdicts: "Verdicts") -> Iterable[RecordJson]:
        """Run the pipeline over rows (`valid` or `invalid`) to its end. Returns all its records, in any order."""
        ...

    def close(self) -> None:
        """Release what the port holds."""
        ...


class Verdicts(Protocol):
    """What each node answers. A pure function of its arguments, so that the order of the questions does not matter."""

    def __call__(self, node: str, token: str, attempt: int) -> str:
        """The verdict of a node on a token, named as the law names it; or on a batch, by the name of the batch."""
        ...


class Engine(Protocol):
    """What `module:factory` gives. A port that an engine does not offer is None."""

    def hello(self) -> Hello: ...

    def pipeline(self) -> PipelinePort | None: ...

    def lifecycle(self) -> LifecyclePort | None: ...

    def barrier(self) -> BarrierPort | None: ...

    def trail(self) -> TrailPort | None: ...


OpenEngine = Callable[[str], AbstractContextManager[Engine]]
"""Opens an engine by its name while a block runs; `fateline_oracle.engines.engine_of` is the implementation."""


class EngineFault(Exception):
    """The engine failed where it should have answered. This is an error of the case, never of the judge.

    `log` is the end of what the engine wrote to its standard error, if it is a process.
    """

    def __init__(self, said: str, log: str = "") -> None:
        super().__init__(said)
        self.log = log


class EngineSilent(Exception):
    """No answer within the time that `fateline_oracle.limits` allows.

    A busy machine may be the cause, so it becomes an `EngineFault` only if it happens twice (`asked_again`).
    """

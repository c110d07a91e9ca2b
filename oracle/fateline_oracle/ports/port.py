"""What an engine offers to be judged: four ports, each a small protocol class, and what it says of itself before.

An adapter translates; it decides nothing. Stimuli come with the engine's own ids, which the judge has learnt from the
engine's records. An engine offers the ports it can (`Engine` gives None for the others) and declares in `Hello` what it
does, what it shows and how it is driven. Not here: what follows from that for each law (`capabilities.py`), and the stepping.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import NamedTuple, Protocol, runtime_checkable

from fateline_model.lifecycle import Operation, World
from fateline_model.single import BarrierStimulus
from fateline_model.stimuli import Stimulus

Written = Mapping[str, object]
"""One record, as one JSON object a line would say it: `{"rec": "<relation>", …}`."""


class Reply(NamedTuple):
    """What an engine answers to a stimulus: the records of the step, or a refusal, with its own word for the rule.

    Or `unsaid`: the port has no way to say this stimulus, and why. It is skipped and counted, never passed.
    """

    records: Sequence[Written] = ()
    refused: str | None = None
    message: str = ""
    unsaid: str | None = None


class Hold(NamedTuple):
    """A barrier or a batch by the engine's ids: the node, and the forked token or the batch."""

    node: str
    token: str | None = None
    batch: str | None = None


class Asked(NamedTuple):
    """One stimulus as an engine is asked it: `stimulus.token` is the engine's id, `hold` what `stimulus.hold` names."""

    stimulus: Stimulus
    hold: Hold | None = None


# ------------------------------------------------------------------------------------------------- what it says of itself


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
    """What an engine's records tell beyond tokens, parents, rows and outcomes."""

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


class ClockOf(StrEnum):
    """Whose clock decides of deadlines: the judge's, the wall's, or nobody's."""

    INJECTED = "injected"
    REAL = "real"
    NONE = "none"


UNLESS_SAID = frozenset(Does) - {Does.BOUNDARIES}
"""What an engine does that says nothing of it: all but what takes a port of its own."""


class Hello(NamedTuple):
    """What an engine says of itself. What it does not declare is not judged, and counted."""

    name: str
    version: str
    law_version: str
    ports: frozenset[Port]
    does: frozenset[Does] = UNLESS_SAID
    shows: frozenset[Shows] = frozenset(Shows)
    drive: Drive = Drive.LOCKSTEP
    clock: ClockOf = ClockOf.INJECTED


# ------------------------------------------------------------------------------------------------- the ports


class PipelinePort(Protocol):
    """Runs of pipelines, one at a time."""

    def start(self, pipeline: Mapping[str, object]) -> None:
        """Begin a new run of this pipeline, in the form of `specs/pipeline.md`. An earlier run is given up."""
        ...

    def do(self, asked: Asked) -> Reply:
        """One stimulus: one step, committed."""
        ...

    def together(self, asked: Sequence[Asked]) -> Sequence[Reply]:
        """One step each, in this order; an engine may commit them at once.

        They are about different rows, but that a visit may be begun and finished: then the record of its beginning may be
        overtaken by that of its end, and need not be shown.
        """
        ...

    def trail(self) -> Iterable[Written]:
        """All that is recorded of this run, as it stands."""
        ...

    def close(self) -> None:
        """Give up the run and whatever it holds."""
        ...


class Write(StrEnum):
    """What an engine is about to do at a boundary: a kill there comes before it."""

    TRANSACTION = "transaction"
    STATEMENT = "statement"
    PAYLOAD = "payload"
    COMMIT = "commit"
    SINK_WRITE = "sink_write"
    SINK_TORN = "sink_torn"
    SINK_FLUSH = "sink_flush"
    SINK_CUT = "sink_cut"


class Boundary(NamedTuple):
    """One place where a kill leaves something: what would have come next, and a digest of what is left.

    Two boundaries have one digest only if the same is committed and the same bytes are in the sinks.
    """

    write: str
    digest: str


class Policy(StrEnum):
    """When an engine commits: after each step, or as it does when nobody looks."""

    STEP = "step"
    DEFAULT = "default"


@runtime_checkable
class CrashPort(Protocol):
    """A pipeline port whose engine can be killed at each of its write boundaries; what `crash()` gives of an engine that
    declares `boundaries`.

    Every sink keeps each effect as the id of the token that it is of. A reply may show no records while nothing is
    committed. The ids of tokens follow from the stimuli, so that what was asked once can be asked again.
    """

    def begin(self, pipeline: Mapping[str, object], policy: Policy) -> None:
        """Begin a new run, in a place of its own, of which the boundaries are told. An earlier run is given up."""
        ...

    def do(self, asked: Asked) -> Reply:
        """One stimulus; of these, `resume` is for who is gone."""
        ...

    def boundaries(self) -> Sequence[Boundary]:
        """The boundaries that were met since this was last asked, in their order."""
        ...

    def crash_to(self, digest: str, policy: Policy | None) -> None:
        """Be gone, leaving behind what a kill at a boundary of this digest leaves: one that was met since `begin`.

        `policy` is that of the engine which will be started on it; without one it commits as it likes, and need not tell
        its boundaries.
        """
        ...

    def trail(self) -> Iterable[Written]:
        """All that is recorded of the run as it stands; nothing if it was never begun."""
        ...

    def sinks(self) -> Mapping[str, Sequence[str]]:
        """What somebody reads in each sink, in its order: of each effect the id of its token."""
        ...

    def close(self) -> None:
        """Give up the run and whatever it holds."""
        ...


class LifecyclePort(Protocol):
    """The operations of a token manager, hostile arguments included, over several runs without a pipeline."""

    def start(self, runs: int) -> Sequence[str]:
        """Begin so many empty runs; the ids that their records carry."""
        ...

    def offers(self, operation: Operation, world: World) -> bool:
        """Whether there is a way to say this operation, its tokens by their names, where the law's world is this."""
        ...

    def do(self, operation: Operation) -> Reply:
        """One operation; its tokens by the engine's ids."""
        ...

    def close(self) -> None:
        """Give up the runs."""
        ...


class BarrierPort(Protocol):
    """One barrier of one coalesce."""

    def start(self, coalesce: Mapping[str, object]) -> Mapping[str, str]:
        """Begin one barrier of this coalesce, in the form of `specs/pipeline.md`; nothing has arrived.

        Gives the ids of its tokens: by branch, and under the empty name that of the forked token.
        """
        ...

    def do(self, stimulus: BarrierStimulus) -> Reply:
        """One event; it names a branch, never a token."""
        ...

    def close(self) -> None:
        """Give it up."""
        ...


class TrailPort(Protocol):
    """Whole runs: the engine chooses the order, the judge gives rows and verdicts and reads what was recorded."""

    def run(self, pipeline: Mapping[str, object], rows: Sequence[str], verdicts: "Verdicts") -> Iterable[Written]:
        """Run the pipeline over rows (`valid` or `invalid`) to its end; all its records, in any order."""
        ...

    def close(self) -> None:
        """Give up whatever it holds."""
        ...


class Verdicts(Protocol):
    """What each node says. A pure function of its arguments, so that the order of asking does not matter."""

    def __call__(self, node: str, token: str, attempt: int) -> str:
        """The verdict of a node on a token, by its name of section 3.2; or on a batch, by the batch's name."""
        ...


class Engine(Protocol):
    """What `module:factory` gives. A port that an engine does not offer is None."""

    def hello(self) -> Hello: ...

    def pipeline(self) -> PipelinePort | None: ...

    def lifecycle(self) -> LifecyclePort | None: ...

    def barrier(self) -> BarrierPort | None: ...

    def trail(self) -> TrailPort | None: ...


OpenEngine = Callable[[str], AbstractContextManager[Engine]]
"""Opens an engine by its name while a block runs; `fateline_oracle.engines.engine_of` is the one there is."""


class EngineFault(Exception):
    """The engine broke down where it should have answered: an error of the case, never of the judge.

    `log` is the end of what it said to its standard error, if it is a process.
    """

    def __init__(self, said: str, log: str = "") -> None:
        super().__init__(said)
        self.log = log


class EngineSilent(Exception):
    """No answer within the time that `fateline_oracle.limits` allows.

    On a busy machine that may be nobody's fault, so it is no `EngineFault` before it has happened twice (`asked_again`).
    """

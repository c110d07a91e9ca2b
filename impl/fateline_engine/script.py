"""`Script`: who decides what the engine leaves open, and the script that production uses.

A script gives the verdict of a node on a token (or of an aggregation on a batch), gives the time, chooses which runnable
work is done next, and is called at every boundary at which a crash would leave something different behind. `Production`
asks the plugins and the wall clock, takes the first work, and ignores boundaries. A test overrides what it wants to decide;
everything else is the code of production. Not here: what follows from a verdict (`processor.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, NamedTuple, Protocol, runtime_checkable

from fateline_engine.clock import Clock, SystemClock
from fateline_engine.expressions import ExpressionError
from fateline_engine.merging import CannotMerge, Merged
from fateline_engine.plugins import (
    BatchOutputs,
    Drop,
    Expand,
    Failure,
    Pass,
    PluginUnavailable,
    RowRefused,
    describe,
    process,
    process_batch,
)
from fateline_engine.plugins.registry import Plugins
from fateline_engine.rows import PipelineRow
from fateline_engine.settings import CoalesceNode, GateNode, Node, SinkNode, TransformNode
from fateline_engine.tokens import TokenInfo


class Kind(StrEnum):
    """The stimuli: the works that an engine can do."""

    READ = "read"
    BEGIN = "begin"
    FINISH = "finish"
    ARRIVE = "arrive"
    ACCEPT = "accept"
    FLUSHED = "flushed"
    DEADLINE = "deadline"
    CONDITION = "condition"
    END_OF_SOURCE = "end_of_source"
    FLUSH = "flush"
    RUN_OVER = "run_over"


class Work(NamedTuple):
    """One step that can be done. `token`: (row, token). `key`: (row, forked token) of a barrier, or (number,) of a batch."""

    kind: Kind
    node: str = ""
    token: tuple[int, int] | None = None
    key: tuple[int, ...] = ()


class Boundary(StrEnum):
    """Where a crash would leave something different behind."""

    STEP = "step"
    SINK_WRITTEN = "sink_written"
    COMMIT = "commit"
    SINKS_FLUSHED = "sinks_flushed"
    COMMITTED = "committed"


@dataclass(frozen=True, slots=True)
class Route:
    """The gate chose this route."""

    label: str


@dataclass(frozen=True, slots=True)
class Written:
    """The sink took the row."""


class BatchInfo(NamedTuple):
    """A batch, for the script that gives its verdict."""

    node: str
    number: int
    rows: tuple[PipelineRow, ...]


Verdict = Pass | Drop | Expand | Failure | Route | Written | BatchOutputs


class Script(Protocol):
    """What a run asks a script. `attempt` counts from 0."""

    def verdict(self, node: Node, token: TokenInfo | BatchInfo, attempt: int) -> Verdict:
        """The verdict of `node` on `token`."""
        ...

    def now(self) -> int:
        """The time in milliseconds, never less than the last value."""
        ...

    def choose(self, runnable: Sequence[Work]) -> Work:
        """Which of these works is done next; there is at least one."""
        ...

    def boundary(self, kind: Boundary) -> None:
        """The engine is at a boundary. An exception that is raised here stops it as a crash would."""
        ...


@runtime_checkable
class MergeScript(Protocol):
    """A script that also decides how data are merged, instead of `merging.merge`."""

    def merge(self, node: CoalesceNode, arrived: Sequence[tuple[str, PipelineRow]]) -> Merged | CannotMerge:
        """`arrived` are the branches in declared order."""
        ...


_WRITTEN = Written()


class Production:
    """Plugins, the wall clock, first in first out."""

    takes_the_first: ClassVar[bool] = True
    """Whether `choose` is the one below. Then the engine does not list the works that are not chosen."""
    ignores_boundaries: ClassVar[bool] = True
    """Whether `boundary` is the one below. Then the engine does not call it after every step."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.takes_the_first = cls.takes_the_first and "choose" not in vars(cls)
        cls.ignores_boundaries = cls.ignores_boundaries and "boundary" not in vars(cls)

    def __init__(self, plugins: Plugins | None = None, clock: Clock | None = None) -> None:
        self.plugins = plugins
        self.clock = clock or SystemClock()
        self.now = self.clock.now
        self._labels = {} if plugins is None else {name: gate.label for name, gate in plugins.gates.items()}

    def verdict(self, node: Node, token: TokenInfo | BatchInfo, attempt: int) -> Verdict:
        """The plugin's answer. An exception is a failure; `PluginUnavailable` stops the run."""
        if isinstance(token, BatchInfo):
            assert self.plugins is not None
            return process_batch(self.plugins.batches[token.node], token.rows)
        if isinstance(node, GateNode):
            return self._gate(node, token.data)
        assert self.plugins is not None
        if isinstance(node, TransformNode):
            return process(self.plugins.transforms[node.name], token.data)
        assert isinstance(node, SinkNode)
        return self._write(node, token.data)

    def _gate(self, node: GateNode, row: PipelineRow) -> Verdict:
        try:
            return Route(self._labels[node.name](row))
        except ExpressionError as error:
            return Failure(str(error))

    def _write(self, node: SinkNode, row: PipelineRow) -> Verdict:
        assert self.plugins is not None
        try:
            self.plugins.sinks[node.name].write(row)
        except RowRefused as refused:
            return Failure(str(refused), refused.retryable)
        except PluginUnavailable:
            raise
        except (Exception, SystemExit) as error:
            return Failure(describe(error))
        return _WRITTEN

    def choose(self, runnable: Sequence[Work]) -> Work:
        """The first."""
        return runnable[0]

    def boundary(self, kind: Boundary) -> None:
        """Nothing happens there."""

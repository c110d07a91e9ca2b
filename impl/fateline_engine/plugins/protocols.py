"""What the engine asks of its plugins, and what they answer.

The protocol of each kind of plugin, the answers that a transform may give, and the errors, by what caused them. `RowRefused`
is about one row: the run goes on and `on_error` decides. `PluginUnavailable` is about the environment (a disk is full, a file
is missing, a database is locked): the run stops and can be resumed. Not here: data types of the engine. Rows are plain
mappings of JSON values, so a plugin can be written and tested without knowing what a token is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

Row = Mapping[str, object]
"""A row's data: field names to JSON values (text, numbers, booleans, null, lists, mappings)."""

Contract = Mapping[str, str]
"""What a source promises of a row's fields: name to one of `CONTRACT_TYPES`."""

CONTRACT_TYPES: Final = ("str", "int", "float", "bool", "list", "dict", "any")


class PluginError(Exception):
    """Anything that goes wrong in or around a plugin, with a text for people."""


class PluginUnavailable(PluginError):
    """The environment does not let the plugin work. The run stops, and can be resumed when the cause is removed."""


class RowRefused(PluginError):
    """This row cannot be processed or written. `retryable` if another attempt may succeed."""

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """One record of a source.

    A valid record has data and a contract. An invalid one has `error`, a text that says why, no contract, and
    whatever of it could be read as data.
    """

    index: int
    data: Row
    contract: Contract | None = None
    error: str | None = None

    @property
    def valid(self) -> bool:
        return self.error is None


class Source(Protocol):
    """Gives records in a fixed order, so that a run can be resumed at any of them.

    It may have a text `note`, which is said once when a run begins.
    """

    def open(self) -> None:
        """Make sure that the source can be read. `PluginUnavailable` is better before the run than during it."""
        ...

    def records(self, start: int = 0) -> Iterator[SourceRecord]:
        """The records from index `start` on. The same source gives the same records every time."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Pass:
    """The row goes on as `data`."""

    data: Row


@dataclass(frozen=True, slots=True)
class Drop:
    """The row, or the whole batch, ends here on purpose."""


@dataclass(frozen=True, slots=True)
class Expand:
    """The row goes on as these rows, at least one."""

    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """The work failed. `retryable` if another attempt may succeed."""

    error: str
    retryable: bool = False


Result = Pass | Drop | Expand | Failure


@dataclass(frozen=True, slots=True)
class BatchOutputs:
    """The rows that a batch continues as. In passthrough mode one row for each member, in their order."""

    rows: tuple[Row, ...]


BatchResult = BatchOutputs | Drop | Failure


@runtime_checkable
class Transform(Protocol):
    """Turns a row into another, several, or none. It must not change the row it is given."""

    def process(self, row: Row) -> Result: ...


@runtime_checkable
class BatchTransform(Protocol):
    """Turns the rows of a batch into others."""

    def process_batch(self, rows: Sequence[Row]) -> BatchResult: ...


class Sink(Protocol):
    """Writes rows, and can be cut back to an earlier position.

    The engine flushes, then commits the position. After a crash it opens the sink with `resume` and truncates it to
    the last committed position, so nothing is lost and nothing is there twice.
    """

    def open(self, *, resume: bool) -> None:
        """Be ready to write. `resume` keeps what was written; otherwise an option of the sink decides."""
        ...

    def write(self, row: Row) -> None:
        """Take one row. `RowRefused` leaves no trace of it."""
        ...

    def flush(self) -> None:
        """Return when all that was written is durable."""
        ...

    def position(self) -> int:
        """The position of the next row. It includes what is not flushed yet."""
        ...

    def truncate(self, position: int) -> None:
        """Remove everything from `position` on, durably."""
        ...

    def close(self) -> None: ...

    @property
    def path(self) -> Path | None:
        """The file it writes, if it writes one: two sinks must not share it."""
        ...


def process(transform: Transform, row: Row, *, expands: bool | None = None) -> Result:
    """What `transform` makes of `row`. An exception is a failure; an empty expansion is a drop.

    A node that `expands` always expands, also to one row; on any other an expansion is a failure. With `None`
    the caller decides.
    """
    try:
        result: object = transform.process(row)
    except PluginUnavailable:
        raise
    except RowRefused as refused:
        return Failure(str(refused), refused.retryable)
    except (Exception, SystemExit) as error:  # a plugin may end its work, not the run
        return Failure(describe(error))
    match result:
        case Expand(rows=()):
            return Drop()
        case Pass(data) if expands:
            return Expand((data,))
        case Expand() if expands is False:
            return Failure("it gave several rows, and the node does not say expands: true")
    if not isinstance(result, Pass | Drop | Expand | Failure):
        return Failure(f"the transform answered with a {type(result).__name__}: not a result")
    return result


def process_batch(transform: BatchTransform, rows: Sequence[Row]) -> BatchResult:
    """The same for a batch."""
    try:
        result: object = transform.process_batch(rows)
    except PluginUnavailable:
        raise
    except RowRefused as refused:
        return Failure(str(refused), refused.retryable)
    except (Exception, SystemExit) as error:  # a plugin may end its work, not the run
        return Failure(describe(error))
    if isinstance(result, BatchOutputs) and not result.rows:
        return Drop()
    if not isinstance(result, BatchOutputs | Drop | Failure):
        return Failure(f"the batch transform answered with a {type(result).__name__}: not a result")
    return result


def describe(error: BaseException) -> str:
    """An exception as one line for a trail."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__

"""The decorators that make something a plugin.

    from fateline_engine.plugins import transform

    @transform
    def score(row, *, threshold=0.5):
        return {**row, "high": row["score"] > threshold}

A decorator marks a class or function as something that a pipeline may name. What is not marked is never called, whatever a
pipeline says. A function is the short form of a plugin: its keyword arguments are its options. A transform returns a row,
`None` to drop the row, or a list of rows to expand it; a batch transform takes a list of rows and returns one. A class is the
long form: its constructor takes the options, and it has the methods of its protocol. Not here: how plugins are found
(`discovery.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar, overload

from fateline_engine.plugins.protocols import (
    BatchOutputs,
    BatchResult,
    Drop,
    Expand,
    Failure,
    Pass,
    Result,
    Row,
)
from fateline_engine.settings.keys import Key

ATTRIBUTE: Final = "__fateline_plugin__"


class PluginKind(StrEnum):
    SOURCE = "source"
    TRANSFORM = "transform"
    BATCH = "batch"
    SINK = "sink"


@dataclass(frozen=True, slots=True)
class Mark:
    """The mark of a plugin. Without `options`, the parameters of its constructor are its options."""

    kind: PluginKind
    options: Mapping[str, Key] | None = None
    expands: bool = False
    """It makes several rows of one, so a node that uses it must have `expands: true`."""


_Target = TypeVar("_Target", bound=Callable[..., Any])


class Decorator:
    """`@transform`, or `@transform(options={…})`."""

    def __init__(self, kind: PluginKind) -> None:
        self._kind = kind

    @overload
    def __call__(self, target: _Target, /) -> _Target: ...
    @overload
    def __call__(
        self, /, *, options: Mapping[str, Key] | None = None, expands: bool = False
    ) -> Callable[[_Target], _Target]: ...
    def __call__(
        self, target: _Target | None = None, /, *, options: Mapping[str, Key] | None = None, expands: bool = False
    ) -> _Target | Callable[[_Target], _Target]:
        mark = Mark(self._kind, options, expands)

        def apply(thing: _Target) -> _Target:
            setattr(thing, ATTRIBUTE, mark)
            return thing

        return apply if target is None else apply(target)


source: Final = Decorator(PluginKind.SOURCE)
transform: Final = Decorator(PluginKind.TRANSFORM)
batch: Final = Decorator(PluginKind.BATCH)
sink: Final = Decorator(PluginKind.SINK)

DECORATORS: Final = frozenset(PluginKind)
"""Their names, by which `registry` knows them in a text before it imports anything."""


def mark_of(thing: object) -> Mark | None:
    """The mark on `thing` itself: a subclass of a plugin is not one until it is marked."""
    mark = getattr(thing, "__dict__", {}).get(ATTRIBUTE)
    return mark if isinstance(mark, Mark) else None


class FunctionTransform:
    """A marked function as a `Transform`."""

    def __init__(self, function: Callable[..., object], options: Mapping[str, object]) -> None:
        self.function, self._options = function, dict(options)

    def process(self, row: Row) -> Result:
        answer = self.function(row, **self._options)
        match answer:
            case None:
                return Drop()
            case Pass() | Drop() | Expand() | Failure():
                return answer
            case Mapping():
                return Pass(answer)
            case list() | tuple():
                return Expand(_rows(answer))
        raise TypeError(f"a transform gives a row, a list of rows or None, and not a {type(answer).__name__}")


class FunctionBatch:
    """A marked function as a `BatchTransform`."""

    def __init__(self, function: Callable[..., object], options: Mapping[str, object]) -> None:
        self.function, self._options = function, dict(options)

    def process_batch(self, rows: Sequence[Row]) -> BatchResult:
        answer = self.function(rows, **self._options)
        match answer:
            case BatchOutputs() | Drop() | Failure():
                return answer
            case list() | tuple():
                return BatchOutputs(_rows(answer))
        raise TypeError(f"a batch transform gives a list of rows, and not a {type(answer).__name__}")


def _rows(answer: Sequence[object]) -> tuple[Row, ...]:
    for row in answer:
        if not isinstance(row, Mapping):
            raise TypeError(f"a row is a mapping, and not a {type(row).__name__}")
    return tuple(answer)  # type: ignore[arg-type] # each was looked at

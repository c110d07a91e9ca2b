"""The keys that a node may have, as a table: the type of each value, and whether the key is required.

This is `specs/pipeline.md` as data, with the keys that only an engine needs, and one small reader for each type of value. A
reader returns the value as the models hold it, or reports a problem and returns `BAD`. Not here: rules about two keys or two
nodes (`reader.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from fateline_engine.expressions import BATCH_NAMES, ExpressionError, compile_expression
from fateline_engine.settings.nodes import (
    NAME,
    RESERVED,
    BatchMode,
    Collisions,
    Merge,
    NodeKind,
    Policy,
)
from fateline_engine.settings.problems import Complaints, Path

BAD: Final = object()
"""What a reader returns after it has reported a problem."""

MAX_NAME: Final = 64


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands in the document, and where problems with it are reported."""

    complaints: Complaints
    path: Path
    node: str | None = None

    def __truediv__(self, part: str | int) -> "Place":
        return Place(self.complaints, (*self.path, part), self.node)

    def refuse(self, value: object, allowed: str) -> object:
        self.complaints.add(self.path, allowed, value, self.node)
        return BAD


Reader = Callable[[object, Place], object]


@dataclass(frozen=True, slots=True)
class Key:
    """A key or an option: how its value is read, whether it must be there, and what it means, for the reference."""

    read: Reader
    required: bool = False
    meaning: str = ""


def text(value: object, place: Place) -> object:
    if not isinstance(value, str) or not value.strip():
        return place.refuse(value, "must be a text that is not empty" + _unquoted(value))
    return value


def expression(names: frozenset[str] | None = None) -> Reader:
    """An expression; with `names`, it may use no other names."""

    def read(value: object, place: Place) -> object:
        if text(value, place) is BAD:
            return BAD
        try:
            compile_expression(str(value), names)
        except ExpressionError as error:
            return place.refuse(value, str(error))
        return value

    return read


def name(value: object, place: Place) -> object:
    """The name of a node, a branch or a label."""
    if not isinstance(value, str) or not NAME.fullmatch(value) or len(value) > MAX_NAME:
        allowed = f"must be a name: a letter or _, then letters, digits, _ or -, at most {MAX_NAME}"
        return place.refuse(value, allowed + _unquoted(value))
    if value in RESERVED:
        return place.refuse(value, f"reserved, like {', '.join(sorted(RESERVED - {value}))}: choose another name")
    return value


def _unquoted(value: object) -> str:
    return "; quote it if you mean the word" if isinstance(value, bool) or value is None else ""


def target(*extra: str) -> Reader:
    """The name of a node, or one of the `extra` reserved words."""

    def read(value: object, place: Place) -> object:
        return value if value in extra and isinstance(value, str) else name(value, place)

    return read


def boolean(value: object, place: Place) -> object:
    return value if isinstance(value, bool) else place.refuse(value, "must be true or false")


def whole(least: int, most: int) -> Reader:
    def read(value: object, place: Place) -> object:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            return place.refuse(value, f"must be a whole number from {least} to {most}")
        return value

    return read


MAX_SECONDS: Final = 31_622_400


def seconds(value: object, place: Place) -> object:
    allowed = f"must be a number of seconds above 0, at most {MAX_SECONDS} (a year)"
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MAX_SECONDS:
        return place.refuse(value, allowed)
    return value


def one_of(words: type[StrEnum]) -> Reader:
    def read(value: object, place: Place) -> object:
        if not isinstance(value, str) or value not in set(words):
            return place.refuse(value, "must be one of " + ", ".join(words))
        return words(value)

    return read


def names(value: object, place: Place) -> object:
    """A list of names, none of them twice."""
    if not isinstance(value, list | tuple):
        return place.refuse(value, "must be a list of names")
    read = [name(item, place / index) for index, item in enumerate(value)]
    if BAD in read:
        return BAD
    for index, item in enumerate(value):
        if item in value[:index]:
            return (place / index).refuse(item, "listed twice: a branch arrives once; remove one")
    return tuple(value)


def named(read_value: Reader) -> Reader:
    """A mapping from names to what `read_value` takes, in the order written."""

    def read(value: object, place: Place) -> object:
        if not isinstance(value, dict) or not value:
            return place.refuse(value, "must be a mapping with at least one entry")
        result = {key: read_value(item, place / key) for key, item in value.items()}
        good_names = [name(key, place / key) is not BAD for key in value]
        return result if all(good_names) and BAD not in result.values() else BAD

    return read


def anything(value: object, place: Place) -> object:
    """Options. The plugin checks them."""
    return value if isinstance(value, dict) else place.refuse(value, "must be a mapping")


_TO: Final = Key(name, required=True, meaning="the node it leads to")
_ON_ERROR: Final = Key(
    target("discard"),
    meaning="a sink, or `discard`, for tokens that fail here; without it the token gets the outcome `failed`",
)
_ATTEMPTS: Final = Key(whole(1, 1000), meaning="how many attempts there are in all if errors are retryable; default 1")
_PLUGIN: Final[Mapping[str, Key]] = {
    "plugin": Key(text, meaning="the plugin that does the work: a name from the lists below, or `module:name`"),
    "options": Key(anything, meaning="the options of the plugin"),
}
_TIMEOUT: Final = Key(seconds, meaning="seconds from the first event, at most a year")

KEYS: Final[Mapping[NodeKind, Mapping[str, Key]]] = {
    NodeKind.SOURCE: {
        "to": _TO,
        "on_error": Key(target("discard"), meaning="the sink for invalid rows; without one they are recorded only"),
        **_PLUGIN,
    },
    NodeKind.TRANSFORM: {
        "to": _TO,
        "on_error": _ON_ERROR,
        "attempts": _ATTEMPTS,
        "expands": Key(boolean, meaning="whether it makes several tokens of one"),
        **_PLUGIN,
    },
    NodeKind.GATE: {
        "when": Key(expression(), meaning="an expression over the row; its text, or `true` or `false`, is the route"),
        "routes": Key(
            named(target("continue", "fork", "discard")),
            required=True,
            meaning="from each route to `continue`, `fork`, `discard` or a sink",
        ),
        "to": Key(name, meaning="the node of the routes to `continue`"),
        "fork": Key(
            named(name), meaning="from each branch to its first node, in the order in which the tokens are made"
        ),
        "on_error": _ON_ERROR,
    },
    NodeKind.COALESCE: {
        "to": _TO,
        "branches": Key(
            names, required=True, meaning="the branches of one fork that it joins, in the order of the merge"
        ),
        "policy": Key(one_of(Policy), meaning="when it merges; default `require_all`"),
        "quorum_count": Key(whole(1, 1000), meaning="with `policy: quorum`: how many branches must arrive"),
        "timeout_seconds": _TIMEOUT,
        "merge": Key(one_of(Merge), meaning="how the data are merged; default `union`"),
        "select_branch": Key(name, meaning="with `merge: select`: the branch whose data are taken"),
        "collisions": Key(one_of(Collisions), meaning="with `merge: union`: which value is kept; default `last_wins`"),
    },
    NodeKind.AGGREGATION: {
        "to": _TO,
        "mode": Key(
            one_of(BatchMode),
            meaning="`passthrough`: members go on as themselves; `transform` (default): new tokens",
        ),
        "count": Key(whole(1, 1_000_000), meaning="the number of members that closes a batch"),
        "timeout_seconds": _TIMEOUT,
        "condition": Key(
            expression(BATCH_NAMES),
            meaning="closes the batch when true; it may use `batch_count` and `batch_age_seconds`",
        ),
        **_PLUGIN,
    },
    NodeKind.SINK: {
        "on_error": Key(target("discard"), meaning="another sink, or `discard`, for rows that it refuses"),
        "attempts": _ATTEMPTS,
        **_PLUGIN,
    },
}
"""The keys beside `name` and `kind`, which every node has."""

RUN_KEYS: Final[Mapping[str, Key]] = {
    "commit_rows": Key(whole(1, 1_000_000), meaning="how many rows one commit holds; default 100"),
    "row_bytes": Key(whole(1, 1 << 30), meaning="the largest row, in bytes of JSON; default one mebibyte"),
    "fan_out": Key(whole(1, 1_000_000), meaning="the most tokens that one expansion or batch may make; default 10000"),
}

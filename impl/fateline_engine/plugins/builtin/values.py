"""Values of rows: from text to a type, and from a row to JSON.

The few conversions that all formats share. A value that does not fit raises a `ValueError` whose text names the value and the
reason. Not here: which types are wanted; that is an option of the plugin.
"""

import json
import math
from collections.abc import Callable, Mapping
from typing import Final

from fateline_engine.plugins.protocols import Contract, Row, RowRefused

_TRUE: Final = frozenset({"true", "yes", "1"})
_FALSE: Final = frozenset({"false", "no", "0"})
_SHOWN: Final = 40
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _whole(text: str) -> int:
    if "_" in text or len(text) > 20:
        raise ValueError
    value = int(text)
    if not -(2**63) <= value < 2**63:
        raise ValueError
    return value


def _decimal(text: str) -> float:
    value = float(text) if "_" not in text else math.nan
    if not math.isfinite(value):
        raise ValueError
    return value


def _boolean(text: str) -> bool:
    word = text.strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError
    return word in _TRUE


_FROM_TEXT: Final[Mapping[str, Callable[[str], object]]] = {
    "str": str,
    "int": _whole,
    "float": _decimal,
    "bool": _boolean,
}


def from_text(text: str, wanted: str) -> object:
    """`text` as a value of the type `wanted`; with a `?` behind it, the empty text is null."""
    if wanted.endswith("?"):
        if text == "":
            return None
        wanted = wanted[:-1]
    try:
        return _FROM_TEXT[wanted](text)
    except ValueError:
        raise ValueError(f"{_shown(text)} is not {_article(wanted)}") from None


def convert(value: object, wanted: str) -> object:
    """`value` as one of the type `wanted`, without losing anything of it."""
    kind = wanted.rstrip("?")
    if value is None:
        if wanted.endswith("?"):
            return None
        raise ValueError(f"null is not {_article(kind)}")
    if isinstance(value, str):
        return from_text(value, wanted)
    match kind, value:
        case ("str", bool()):
            return "true" if value else "false"
        case ("str", int() | float()):
            return str(value)
        case ("bool", bool()) | ("int", int()) | ("float", float()) if type_of(value) == kind:
            return value
        case ("float", int()) if not isinstance(value, bool) and int(float(value)) == value:
            return float(value)
        case ("int", float()) if value.is_integer():
            return int(value)
    raise ValueError(f"{_shown(value)} is not {_article(kind)}")


def _article(kind: str) -> str:
    return f"{'an' if kind == 'int' else 'a'} {kind}"


def type_of(value: object) -> str:
    """The word of `CONTRACT_TYPES` for a JSON value; null, which fits any type, is `any`."""
    match value:
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "float"
        case str():
            return "str"
        case list() | tuple():
            return "list"
        case Mapping():
            return "dict"
    return "any"


def contract_of(row: Row) -> Contract:
    """The contract that a row without a declared one gives by its own values."""
    return {name: type_of(value) for name, value in row.items()}


def to_json(value: object) -> str:
    """`value` on one line; `RowRefused` if JSON has no way to say it."""
    try:
        return _ENCODER.encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise RowRefused(f"cannot be written as JSON: {error}") from error

"""The syntax tree of an expression, and the tokens it is made from.

Frozen nodes, each with the column where it starts, and a tokenizer that is one regular expression without a repetition inside
a repetition, so its time is linear in the text. Not here: evaluation (`evaluate.py`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

MAX_LENGTH: Final = 2_000
MAX_DEPTH: Final = 24
"""How deep brackets, calls and signs may nest. A level costs the parser some sixteen frames of Python's stack."""
MAX_OPERATORS: Final = 150
"""How many operators an expression may have: a chain of them is as deep, as a tree, as it is long."""


class ExpressionError(ValueError):
    """Everything that can be wrong with an expression, or with a row that it is evaluated for."""

    def __init__(self, message: str, column: int | None = None) -> None:
        super().__init__(message if column is None else f"column {column + 1}: {message}")
        self.column = column


Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Constant:
    value: Scalar
    column: int


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the row, or a name of the environment."""

    name: str
    column: int


@dataclass(frozen=True, slots=True)
class Item:
    """`holder.name` or `holder[key]`."""

    holder: "Expression"
    key: "Expression"
    column: int


@dataclass(frozen=True, slots=True)
class Listing:
    items: "tuple[Expression, ...]"
    column: int


@dataclass(frozen=True, slots=True)
class Unary:
    operator: str
    operand: "Expression"
    column: int


@dataclass(frozen=True, slots=True)
class Binary:
    """Arithmetic, comparison or membership; `and` and `or` too, whose right side may not be looked at."""

    operator: str
    left: "Expression"
    right: "Expression"
    column: int


@dataclass(frozen=True, slots=True)
class Choice:
    """`then if condition else otherwise`"""

    condition: "Expression"
    then: "Expression"
    otherwise: "Expression"
    column: int


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    arguments: "tuple[Expression, ...]"
    column: int


Expression = Constant | Field | Item | Listing | Unary | Binary | Choice | Call


class Kind(StrEnum):
    NUMBER = "number"
    TEXT = "text"
    WORD = "word"
    SIGN = "sign"
    END = "end"


class Token(NamedTuple):
    kind: Kind
    text: str
    column: int


_TOKEN: Final = re.compile(
    r"""
      (?P<number>  (?: \d+ \.? \d* | \. \d+ ) (?: [eE] [+-]? \d+ )? )
    | (?P<text>    ' (?: [^'\\] | \\. )* ' | " (?: [^"\\] | \\. )* " )
    | (?P<word>    [A-Za-z_] \w* )
    | (?P<sign>    == | != | <= | >= | // | [-+*/%<>()\[\],.] )
    """,
    re.VERBOSE | re.ASCII | re.DOTALL,
)
_SPACE: Final = re.compile(r"[ \t\r\n]*")


def tokens(text: str) -> Iterator[Token]:
    """The tokens of `text`, an `END` last."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"longer than {MAX_LENGTH} characters: split the gate")
    at = 0
    while True:
        space = _SPACE.match(text, at)
        at = space.end() if space else at
        if at == len(text):
            yield Token(Kind.END, "the end", at)
            return
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise ExpressionError(_cannot_read(text[at]), at)
        yield Token(Kind(found.lastgroup), found.group(), at)
        at = found.end()


def _cannot_read(character: str) -> str:
    if character in "'\"":
        return f"this text has no closing {character}"
    if character == "=":
        return "to compare, write =="
    return f"{character!r} has no meaning here"

"""Expressions: the small safe language of gates and batch conditions.

    amount > 100 and country in ["CH", "AT"]
    "vip" if default(tier, "") == "gold" else "normal"

`compile_expression(text)` gives a frozen `Compiled` that can be evaluated for rows. Everything that can go wrong, before or
during the evaluation, is an `ExpressionError` with a column. Length, depth and steps are bounded. Not here: Python. There is
no assignment, no attribute of an object, no function outside the table, no loop, and no `eval`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from fateline_engine.expressions.evaluate import FUNCTIONS, LAZY, evaluate, kind_of
from fateline_engine.expressions.parser import COMPARISONS, parse
from fateline_engine.expressions.syntax import (
    Binary,
    Call,
    Choice,
    Constant,
    Expression,
    ExpressionError,
    Field,
    Item,
    Listing,
    Unary,
)

__all__ = ["BATCH_NAMES", "Compiled", "ExpressionError", "compile_expression"]

BATCH_NAMES: Final = frozenset({"batch_count", "batch_age_seconds"})
"""The names that a batch condition may use."""

_BOOLEAN_FUNCTIONS: Final = frozenset({"contains", "ends_with", "starts_with", "has"})


@dataclass(frozen=True, slots=True)
class Compiled:
    """A valid expression."""

    text: str
    tree: Expression

    def value(self, row: Mapping[str, object]) -> object:
        """Its value for `row`."""
        return evaluate(self.tree, row)

    def truth(self, row: Mapping[str, object]) -> bool:
        """Its value for `row`, which must be true or false."""
        value = self.value(row)
        if not isinstance(value, bool):
            raise ExpressionError(f"a condition must be true or false, and this is {kind_of(value)}")
        return value

    def label(self, row: Mapping[str, object]) -> str:
        """The route it chooses: a text as it is, or `true` or `false`."""
        value = self.value(row)
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, str):
            return value
        raise ExpressionError(f"a gate chooses a route by a text or a boolean, and this is {kind_of(value)}")

    def labels(self) -> frozenset[str] | None:
        """The routes that it can choose if the expression shows them; otherwise `None`."""
        values = _values(self.tree)
        if values is None:
            return None
        return frozenset(("true" if value else "false") if isinstance(value, bool) else str(value) for value in values)


def compile_expression(text: str, names: Iterable[str] | None = None) -> Compiled:
    """The compiled `text`. With `names`, it may use no other field."""
    tree = parse(text)
    _check(tree, None if names is None else frozenset(names))
    return Compiled(text, tree)


def _check(tree: Expression, names: frozenset[str] | None) -> None:
    """Every name and every count of arguments, before any row is seen."""
    match tree:
        case Constant():
            pass
        case Field(name, column):
            if names is not None and name not in names:
                raise ExpressionError(f"speaks of {name}; only {', '.join(sorted(names))} may be used here", column)
        case Item(holder, key):
            _check(holder, names)
            _check(key, names)
        case Listing(items):
            for item in items:
                _check(item, names)
        case Unary(_, operand):
            _check(operand, names)
        case Binary(_, left, right):
            _check(left, names)
            _check(right, names)
        case Choice(condition, then, otherwise):
            for part in (condition, then, otherwise):
                _check(part, names)
        case Call(function, arguments, column):
            _check_call(function, len(arguments), column)
            for argument in arguments:
                _check(argument, names)


def _check_call(name: str, given: int, column: int) -> None:
    counts = {**{key: (function.least, function.most) for key, function in FUNCTIONS.items()}, **LAZY}
    if name not in counts:
        near = get_close_matches(name, counts, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(counts))}"
        raise ExpressionError(f"no such function as {name}; {hint}", column)
    least, most = counts[name]
    if not least <= given <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise ExpressionError(f"{name} takes {wanted} argument{'s' if wanted != '1' else ''}, not {given}", column)


def _values(tree: Expression) -> frozenset[object] | None:
    """All values `tree` can have, if they are few and can be seen."""
    match tree:
        case Constant(value) if isinstance(value, str | bool):
            return frozenset({value})
        case Unary("not", _):
            return frozenset({True, False})
        case Binary(operator, _, _) if operator in COMPARISONS or operator in ("and", "or"):
            return frozenset({True, False})
        case Call(function, _) if function in _BOOLEAN_FUNCTIONS:
            return frozenset({True, False})
        case Choice(_, then, otherwise):
            first, second = _values(then), _values(otherwise)
            return None if first is None or second is None else first | second
    return None

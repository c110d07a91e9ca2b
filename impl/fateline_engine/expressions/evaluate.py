"""The value of an expression for a row.

A walk over the tree with strict types. Numbers are compared with numbers and texts with texts; `==` takes any two values, and
true is not 1. A missing field is an error, not null: ask `has(field)` or `default(field, value)` first. Numbers stay within 64
bits or finite, texts within `MAX_TEXT`, and every step is counted, so an evaluation ends soon for every expression and row.
Not here: the semantics of Python.
"""

import math
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

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

MAX_STEPS: Final = 10_000
MAX_TEXT: Final = 100_000
MAX_NESTING: Final = 100
_MAX_INT: Final = 2**63

Row = Mapping[str, object]


def evaluate(tree: Expression, row: Row) -> object:
    """The value of `tree` for `row`; `ExpressionError` if it has none."""
    return _Evaluation(row).value(tree)


def same(left: object, right: object) -> bool:
    """Equality as JSON sees it, except that 1 and 1.0 are the same number: true is not 1, at any depth."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(same(a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return bool(left == right)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def kind_of(value: object) -> str:
    """The word for a value's type in messages."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list() | tuple():
            return "a list"
        case Mapping():
            return "a mapping"
    return f"a {type(value).__name__}"


class _Evaluation:
    def __init__(self, row: Row) -> None:
        self._row = row
        self._steps = 0

    def _spend(self, steps: int, column: int) -> None:
        self._steps += steps
        if self._steps > MAX_STEPS:
            raise ExpressionError(f"takes more than {MAX_STEPS} steps for this row", column)

    def value(self, tree: Expression) -> object:
        self._spend(1, tree.column)
        match tree:
            case Constant(value):
                return value
            case Field(name, column):
                return self._field(self._row, name, column, "the row")
            case Item(holder, key, column):
                return self._item(self.value(holder), self.value(key), column)
            case Listing(items):
                return [self.value(item) for item in items]
            case Unary("not", operand, column):
                return not self._truth(operand, column)
            case Unary(_, operand, column):
                return _bounded(-self._number(self.value(operand), column, "-"), column)
            case Binary("and", left, right, column):
                return self._truth(left, column) and self._truth(right, column)
            case Binary("or", left, right, column):
                return self._truth(left, column) or self._truth(right, column)
            case Binary(operator, left, right, column):
                return self._binary(operator, self.value(left), self.value(right), column)
            case Choice(condition, then, otherwise, column):
                return self.value(then if self._truth(condition, column) else otherwise)
            case Call(function, arguments, column):
                return self._call(function, arguments, column)

    def _truth(self, tree: Expression, column: int) -> bool:
        value = self.value(tree)
        if not isinstance(value, bool):
            raise ExpressionError(f"needs true or false, got {kind_of(value)}: compare it with something", column)
        return value

    def _number(self, value: object, column: int, what: str) -> int | float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise ExpressionError(f"{what} needs a number, got {kind_of(value)}", column)
        return _bounded(value, column)

    def _field(self, holder: Row, name: str, column: int, what: str) -> object:
        try:
            return holder[name]
        except KeyError:
            raise ExpressionError(f"{what} has no field {name}", column) from None

    def _item(self, holder: object, key: object, column: int) -> object:
        if isinstance(holder, Mapping) and isinstance(key, str):
            return self._field(holder, key, column, "this mapping")
        if isinstance(holder, list | tuple) and isinstance(key, int) and not isinstance(key, bool):
            if not 0 <= key < len(holder):
                raise ExpressionError(f"this list has {len(holder)} items, and no number {key} (from 0)", column)
            item: object = holder[key]
            return item
        raise ExpressionError(f"{kind_of(holder)} has no item for {kind_of(key)}", column)

    def _binary(self, operator: str, left: object, right: object, column: int) -> object:
        if operator in ("==", "!="):
            self._spend(_size(left), column)
            return same(left, right) is (operator == "==")
        if operator == "in":
            return self._contains(left, right, column)
        if isinstance(left, str) and isinstance(right, str):
            if operator == "+":
                return _short(left, right, column)
            if operator in _ORDER:
                return _ORDER[operator](left, right)
        both = self._number(left, column, operator), self._number(right, column, operator)
        if operator in _ORDER:
            return _ORDER[operator](*both)
        try:
            return _bounded(_ARITHMETIC[operator](*both), column)
        except ZeroDivisionError:
            raise ExpressionError(f"{operator} by zero", column) from None
        except OverflowError:
            raise ExpressionError("the result is too large", column) from None

    def _contains(self, item: object, holder: object, column: int) -> bool:
        if isinstance(holder, str) and isinstance(item, str):
            return item in holder
        if isinstance(holder, list | tuple):
            self._spend(len(holder) + _size(item), column)
            return any(same(item, other) for other in holder)
        if isinstance(holder, Mapping):
            return isinstance(item, str) and item in holder
        raise ExpressionError(f"in cannot look for {kind_of(item)} in {kind_of(holder)}", column)

    def _call(self, name: str, arguments: tuple[Expression, ...], column: int) -> object:
        if name in LAZY:
            try:
                value = self.value(arguments[0])
            except ExpressionError:
                if not _is_place(arguments[0]) or self._steps > MAX_STEPS:
                    raise
                return False if name == "has" else self.value(arguments[1])
            return True if name == "has" else value
        function = FUNCTIONS[name]
        values = [self.value(argument) for argument in arguments]
        self._spend(sum(_size(value) for value in values), column)
        try:
            return _bounded(function.do(*values), column)
        except (TypeError, ValueError, OverflowError, AttributeError):
            given = ", ".join(kind_of(value) for value in values)
            raise ExpressionError(f"{name} takes {function.takes}, got {given}", column) from None


def _is_place(tree: Expression) -> bool:
    """Whether `tree` only names a field, so that failing to find it is an answer."""
    while isinstance(tree, Item) and isinstance(tree.key, Constant):
        tree = tree.holder
    return isinstance(tree, Field)


def _size(value: object) -> int:
    """About how many steps it takes to look at `value`; too many if it nests deeper than `MAX_NESTING`."""
    size, ahead = 0, [(value, 0)]
    while ahead and size <= MAX_STEPS:
        item, depth = ahead.pop()
        size += 1
        if depth > MAX_NESTING:
            return MAX_STEPS + 1
        if isinstance(item, Mapping):
            ahead.extend((inner, depth + 1) for inner in item.values())
        elif isinstance(item, list | tuple):
            size += len(item)
            ahead.extend((inner, depth + 1) for inner in item[:MAX_STEPS])
    return size


def _bounded(value: object, column: int) -> "int | float":
    if isinstance(value, int) and not isinstance(value, bool) and not -_MAX_INT <= value < _MAX_INT:
        raise ExpressionError("a whole number is too large: 64 bits is the most", column)
    if isinstance(value, float) and not math.isfinite(value):
        raise ExpressionError("a number is not finite", column)
    return value  # type: ignore[return-value] # the functions' texts and booleans pass through untouched


def _short(left: str, right: str, column: int) -> str:
    if len(left) + len(right) > MAX_TEXT:
        raise ExpressionError(f"a text grows beyond {MAX_TEXT} characters", column)
    return left + right


_Compare = Callable[..., bool]
_ORDER: Final[Mapping[str, _Compare]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_ARITHMETIC: Final[Mapping[str, Callable[[int | float, int | float], int | float]]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
}


class Function(NamedTuple):
    """A function of the language: how many arguments, of what kind, and what it does with them."""

    least: int
    most: int
    takes: str
    do: Callable[..., object]


def _of(*kinds: type) -> Callable[[object], object]:
    def check(value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, kinds):
            raise TypeError
        return value

    return check


_number = _of(int, float)
_string = _of(str)


def _numbers(values: tuple[object, ...]) -> list[object]:
    items = values[0] if len(values) == 1 and isinstance(values[0], list | tuple) else values
    return [_number(value) for value in items]


def _text_of(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise TypeError


def _number_of(value: object) -> int | float:
    if isinstance(value, str):
        if len(value) > 30 or "_" in value:
            raise ValueError
        return int(value) if value.strip().lstrip("+-").isdecimal() else float(value)
    return _number(value)  # type: ignore[return-value]


LAZY: Final[Mapping[str, tuple[int, int]]] = {"has": (1, 1), "default": (2, 2)}
"""Functions that take a field which may be missing, with the number of their arguments."""

FUNCTIONS: Final[Mapping[str, Function]] = {
    "abs": Function(1, 1, "a number", lambda a: abs(_number(a))),  # type: ignore[arg-type]
    "contains": Function(2, 2, "two texts", lambda a, b: _string(b) in _string(a)),  # type: ignore[operator]
    "ends_with": Function(2, 2, "two texts", lambda a, b: str.endswith(a, b)),
    "length": Function(1, 1, "a text, a list or a mapping", len),
    "lower": Function(1, 1, "a text", lambda a: str.lower(a)),
    "max": Function(1, 20, "numbers or a list of them", lambda *a: max(_numbers(a))),  # type: ignore[type-var]
    "min": Function(1, 20, "numbers or a list of them", lambda *a: min(_numbers(a))),  # type: ignore[type-var]
    "number": Function(1, 1, "a number, or a text that is one", _number_of),
    "round": Function(1, 1, "a number", lambda a: round(_number(a))),  # type: ignore[call-overload]
    "starts_with": Function(2, 2, "two texts", lambda a, b: str.startswith(a, b)),
    "text": Function(1, 1, "a text, a number or a boolean", _text_of),
    "trim": Function(1, 1, "a text", lambda a: str.strip(a)),
    "upper": Function(1, 1, "a text", lambda a: str.upper(a)),
}

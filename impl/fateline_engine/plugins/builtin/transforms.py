"""Transforms that most pipelines need: rename, keep, cast, derive, filter, explode.

Not here: a language. What these cannot do is done by an expression or by a function of your own.
"""

from collections.abc import Mapping

from fateline_engine.expressions import ExpressionError, compile_expression
from fateline_engine.plugins.builtin.values import convert
from fateline_engine.plugins.decorators import transform
from fateline_engine.plugins.options import (
    Key,
    boolean,
    expression,
    expressions,
    field_types,
    fields,
    renames,
    text,
)
from fateline_engine.plugins.protocols import Drop, Expand, Failure, Pass, Result, Row, RowRefused


def _field(row: Row, name: str) -> object:
    if name not in row:
        raise RowRefused(f"no field {name}; there are {', '.join(row)}")
    return row[name]


@transform(options={"fields": Key(renames, required=True, meaning="field to its new name")})
class Rename:
    """Each field of `fields` gets its new name, in its old place."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields

    def process(self, row: Row) -> Result:
        for old in self._fields:
            _field(row, old)
        renamed = {self._fields.get(name, name): value for name, value in row.items()}
        if len(renamed) < len(row):
            taken = [new for old, new in self._fields.items() if new in row and new not in self._fields and new != old]
            return Failure(f"the row has a field {', '.join(taken)} already")
        return Pass(renamed)


@transform(options={"fields": Key(fields, required=True, meaning="a list")})
class Keep:
    """Only `fields` stay, in that order."""

    def __init__(self, fields: tuple[str, ...]) -> None:
        self._fields = fields

    def process(self, row: Row) -> Result:
        return Pass({name: _field(row, name) for name in self._fields})


@transform(options={"fields": Key(field_types, required=True, meaning="field to type; `?` if it may be null")})
class Cast:
    """Each field of `fields` becomes a value of its type, or the row fails."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields

    def process(self, row: Row) -> Result:
        data = dict(row)
        for name, wanted in self._fields.items():
            try:
                data[name] = convert(_field(row, name), wanted)
            except ValueError as error:
                return Failure(f"{name}: {error}")
        return Pass(data)


@transform(options={"fields": Key(expressions, required=True, meaning="field to expression")})
class Derive:
    """Each field of `fields` becomes the value of its expression. Later ones see the earlier ones."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = {name: compile_expression(text) for name, text in fields.items()}

    def process(self, row: Row) -> Result:
        data = dict(row)
        for name, compiled in self._fields.items():
            try:
                data[name] = compiled.value(data)
            except ExpressionError as error:
                return Failure(f"{name}: {error}")
        return Pass(data)


@transform(options={"where": Key(expression(), required=True, meaning="an expression")})
class Filter:
    """The row goes on if `where` is true, and is dropped if it is false."""

    def __init__(self, where: str) -> None:
        self._where = compile_expression(where)

    def process(self, row: Row) -> Result:
        try:
            return Pass(row) if self._where.truth(row) else Drop()
        except ExpressionError as error:
            return Failure(f"where: {error}")


@transform(
    expands=True,
    options={
        "field": Key(text, required=True, meaning="the list"),
        "into": Key(text, meaning="the name of an item; `*`: an item's own fields; default: the name of the list"),
        "keep_index": Key(boolean, meaning="whether to add its place as `<field>_index`"),
    },
)
class Explode:
    """A row for each item of the list in `field`, which the item replaces, or joins under the name `into`.

    An item that is a mapping under `into: "*"` gives its fields to the row. An empty list drops the row.
    """

    def __init__(self, field: str, into: str | None = None, keep_index: bool = False) -> None:
        self._field, self._into, self._keep_index = field, into or field, keep_index

    def process(self, row: Row) -> Result:
        items = _field(row, self._field)
        if not isinstance(items, list | tuple):
            return Failure(f"{self._field} is no list")
        rest = {name: value for name, value in row.items() if name != self._field}
        rows = []
        for index, item in enumerate(items):
            numbered = {f"{self._field}_index": index} if self._keep_index else {}
            if self._into != "*":
                rows.append({**rest, self._into: item, **numbered})
            elif isinstance(item, Mapping):
                rows.append({**rest, **item, **numbered})
            else:
                return Failure(f"item {index} of {self._field} is no mapping")
        return Expand(tuple(rows))

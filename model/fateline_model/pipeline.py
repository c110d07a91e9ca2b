"""Pipelines as data: nodes, their settings, and the edges that follow from the settings. The graph is the program.

A pipeline is a tuple of flat nodes; every edge is a field of the node it leaves, so there is one description and no
second one to disagree with it. `parse` reads the JSON form and reports *all* problems of shape at once, each with its
place, the value found and what is allowed. Not here: whether the graph makes sense as a whole (`wellformed.py`).
"""

import re
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from typing import Any, Final, NamedTuple

from .words import (
    CONTINUE,
    DISCARD,
    NAME_PATTERN,
    ON_ERROR,
    RESERVED,
    BatchMode,
    Collisions,
    NodeKind,
    Policy,
    Strategy,
)


class Problem(NamedTuple):
    """One thing that is wrong with a pipeline: where, what was found, what is allowed or what to do."""

    where: str
    found: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.found}; {self.remedy}"


class IllFormed(ValueError):
    """A pipeline that the law does not accept, with every problem that was found."""

    def __init__(self, name: str, problems: tuple[Problem, ...]) -> None:
        self.pipeline = name
        self.problems = problems
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = "\n".join(f"  {number}. {problem}" for number, problem in enumerate(problems, 1))
        super().__init__(f"pipeline {name!r} is not well-formed, {count}:\n{lines}")


@dataclass(frozen=True, slots=True)
class Node:
    """One node. `FIELDS` lists the fields that each kind of node can have."""

    name: str
    kind: NodeKind
    to: str | None = None
    on_error: str | None = None
    attempts: int = 1
    expands: bool = False
    routes: tuple[tuple[str, str], ...] = ()
    fork: tuple[tuple[str, str], ...] = ()
    branches: tuple[str, ...] = ()
    policy: Policy = Policy.REQUIRE_ALL
    quorum_count: int | None = None
    timeout_seconds: int | float | None = None
    merge: Strategy = Strategy.UNION
    select_branch: str | None = None
    collisions: Collisions = Collisions.LAST_WINS
    mode: BatchMode = BatchMode.TRANSFORM
    count: int | None = None
    condition: str | None = None


class Edge(NamedTuple):
    src: str
    label: str
    dst: str


def edges_of(node: Node) -> tuple[Edge, ...]:
    """Every edge that leaves a node, in declared order."""
    return (
        *((Edge(node.name, CONTINUE, node.to),) if node.to is not None else ()),
        *(Edge(node.name, label, to) for label, to in node.routes if to not in RESERVED),
        *(Edge(node.name, branch, to) for branch, to in node.fork),
        *((Edge(node.name, ON_ERROR, node.on_error),) if node.on_error not in (None, DISCARD) else ()),
    )


# ------------------------------------------------------------------------------------------------- the JSON form


class Field(NamedTuple):
    """One key of a node in JSON: the kinds of node that have it, whether it is required, and its possible values."""

    kinds: tuple[NodeKind, ...]
    required: bool
    schema: Mapping[str, object]
    meaning: str


_NAME: Final = {"type": "string", "pattern": f"^{NAME_PATTERN}$"}
_ERRORS: Final = (NodeKind.SOURCE, NodeKind.TRANSFORM, NodeKind.GATE, NodeKind.SINK)
_COALESCE: Final = (NodeKind.COALESCE,)
_AGGREGATION: Final = (NodeKind.AGGREGATION,)
_FORWARD: Final = (NodeKind.SOURCE, NodeKind.TRANSFORM, *_COALESCE, *_AGGREGATION)


def _word(
    words: type[NodeKind] | type[Policy] | type[Strategy] | type[Collisions] | type[BatchMode],
) -> dict[str, object]:
    return {"type": "string", "enum": [str(word) for word in words]}


FIELDS: Final[dict[str, tuple[Field, ...]]] = {
    "to": (
        Field(_FORWARD, True, _NAME, "the node at the head of the `continue` edge"),
        Field((NodeKind.GATE,), False, _NAME, "the node that the routes to `continue` lead to"),
    ),
    "on_error": (Field(_ERRORS, False, _NAME, "a sink, or `discard`; absent: the token fails"),),
    "attempts": (
        Field(
            (NodeKind.TRANSFORM, NodeKind.SINK),
            False,
            {"type": "integer", "minimum": 1, "maximum": 1000},
            "the number of attempts in all when an error is retryable",
        ),
    ),
    "expands": (Field((NodeKind.TRANSFORM,), False, {"type": "boolean"}, "it turns one token into several"),),
    "routes": (
        Field(
            (NodeKind.GATE,), True, {"type": "object", "of": _NAME}, "label to `continue`, `fork`, `discard` or a sink"
        ),
    ),
    "fork": (Field((NodeKind.GATE,), False, {"type": "object", "of": _NAME}, "branch to the node it leads to"),),
    "branches": (
        Field(
            _COALESCE, True, {"type": "array", "of": _NAME, "minItems": 2}, "the branches it joins, in declared order"
        ),
    ),
    "policy": (Field(_COALESCE, False, _word(Policy), "when it merges or fails"),),
    "quorum_count": (Field(_COALESCE, False, {"type": "integer", "minimum": 1}, "given exactly for `quorum`"),),
    "timeout_seconds": (
        Field(
            (*_COALESCE, *_AGGREGATION),
            False,
            {"type": "number", "minimum": 0.001, "maximum": 1_000_000_000},
            "from its first event; `best_effort` needs one",
        ),
    ),
    "merge": (Field(_COALESCE, False, _word(Strategy), "how it merges the data"),),
    "select_branch": (Field(_COALESCE, False, _NAME, "given exactly for `select`"),),
    "collisions": (Field(_COALESCE, False, _word(Collisions), "for `union`: what happens at a conflict"),),
    "mode": (Field(_AGGREGATION, False, _word(BatchMode), "new tokens for the batch, or the members go on"),),
    "count": (Field(_AGGREGATION, False, {"type": "integer", "minimum": 1}, "trigger: this number of members"),),
    "condition": (
        Field(
            _AGGREGATION,
            False,
            {"type": "string", "minLength": 1},
            "trigger: over `batch_count` and `batch_age_seconds`",
        ),
    ),
}
_MAPS: Final = ("routes", "fork")
ENGINE_KEYS: Final = ("plugin", "options", "when")
"""The settings of a node that an engine needs and the law does not: the plugin that works, and how a gate decides."""
ENGINE_SETTINGS: Final = "run"
"""The key of a pipeline under which an engine keeps its own settings."""
_WORDS: Final[dict[str, Callable[[str], object]]] = {
    "policy": Policy,
    "merge": Strategy,
    "collisions": Collisions,
    "mode": BatchMode,
}


def fields_of(kind: NodeKind) -> dict[str, Field]:
    """The keys that a node of this kind may have besides `name` and `kind`."""
    return {key: field for key, fields in FIELDS.items() for field in fields if kind in field.kinds}


def parse(document: object) -> tuple[str, tuple[Node, ...]]:
    """Read a pipeline's JSON form: `{"name": …, "nodes": [{"name": …, "kind": …, …}, …]}`."""
    if not isinstance(document, Mapping) or not isinstance(document.get("nodes"), list):
        raise IllFormed(
            "?", (Problem("pipeline", f"found {_show(document)}", "give an object with `name` and a list `nodes`"),)
        )
    problems: list[Problem] = []
    name = document.get("name", "pipeline")
    if not isinstance(name, str):
        problems.append(Problem("name", f"found {_show(name)}", "give a string"))
        name = "?"
    problems.extend(
        Problem(str(key), "unknown key", "allowed: name, nodes")
        for key in document
        if key not in ("name", "nodes", ENGINE_SETTINGS)
    )
    nodes = [_parse_node(f"nodes[{place}]", raw, problems) for place, raw in enumerate(document["nodes"])]
    if problems:
        raise IllFormed(name, tuple(problems))
    return name, tuple(node for node in nodes if node is not None)


def _parse_node(where: str, raw: object, problems: list[Problem]) -> Node | None:
    if not isinstance(raw, Mapping):
        problems.append(Problem(where, f"found {_show(raw)}", "give an object"))
        return None
    found = len(problems)
    for key, schema in (("name", _NAME), ("kind", _word(NodeKind))):
        if key in raw:
            _check(f"{where}.{key}", raw[key], schema, problems)
        else:
            problems.append(Problem(where, f"no `{key}`", "every node has a name and a kind"))
    if len(problems) > found:
        return None
    kind = NodeKind(str(raw["kind"]))
    fields = fields_of(kind)
    where = f"{where} ({raw['name']})"
    for key, value in raw.items():
        if key in fields:
            _check(f"{where}.{key}", value, fields[key].schema, problems)
        elif key not in ("name", "kind", *ENGINE_KEYS):
            allowed = ", ".join(fields) or "nothing but name and kind"
            problems.append(Problem(f"{where}.{key}", f"a {kind} has no such key", f"allowed: {allowed}"))
    problems.extend(
        Problem(where, f"no `{key}`", f"a {kind} needs it: {field.meaning}")
        for key, field in fields.items()
        if field.required and key not in raw
    )
    if len(problems) > found:
        return None
    values = {key: _convert(key, value) for key, value in raw.items() if key in fields}
    return Node(raw["name"], kind, **values)


def _convert(key: str, value: object) -> Any:
    if key in _MAPS and isinstance(value, Mapping):
        return tuple(value.items())
    if isinstance(value, list):
        return tuple(value)
    return _WORDS[key](str(value)) if key in _WORDS else value


def value_problems(node: Node) -> list[Problem]:
    """What `parse` would report for a node made by hand: keys that its kind does not have, missing keys, and bad values."""
    problems: list[Problem] = []
    fields = fields_of(node.kind)
    for key in FIELDS:
        value, usual = getattr(node, key), _USUAL[key]
        if key not in fields:
            if value != usual:
                problems.append(Problem(f"{node.name}.{key}", f"a {node.kind} has no such key", "leave it out"))
        elif value != usual:
            plain = dict(value) if key in _MAPS else list(value) if key == "branches" else value
            _check(f"{node.name}.{key}", plain, fields[key].schema, problems)
        elif fields[key].required:
            problems.append(Problem(node.name, f"no `{key}`", f"a {node.kind} needs it: {fields[key].meaning}"))
    return problems


_USUAL: Final[dict[str, object]] = {key.name: key.default for key in dataclass_fields(Node)}
_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (Mapping,),
    "array": (list,),
}


def _check(where: str, value: object, schema: Mapping[str, object], problems: list[Problem]) -> None:
    """Check a value against the few JSON Schema keywords that `FIELDS` uses."""
    wanted = str(schema["type"])
    if not isinstance(value, _TYPES[wanted]) or (isinstance(value, bool) and wanted != "boolean"):
        problems.append(Problem(where, f"found {_show(value)}", f"give a value of type {wanted}"))
        return
    words = schema.get("enum")
    if isinstance(words, list) and value not in words:
        problems.append(Problem(where, f"found {_show(value)}", f"allowed: {', '.join(words)}"))
    if isinstance(value, str) and "pattern" in schema and not re.fullmatch(NAME_PATTERN, value):
        problems.append(Problem(where, f"found {_show(value)}", f"names match {NAME_PATTERN}"))
    if isinstance(value, int | float):
        low, high = schema.get("minimum"), schema.get("maximum")
        if isinstance(low, int | float) and not value >= low:
            problems.append(Problem(where, f"found {_show(value)}", f"give at least {low}"))
        if isinstance(high, int | float) and not value <= high:
            problems.append(Problem(where, f"found {_show(value)}", f"give at most {high}"))
    if value == "" and "minLength" in schema:
        problems.append(Problem(where, "found an empty text", "give a text"))
    inner = schema.get("of")
    if isinstance(inner, Mapping):
        items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
        for key, item in items:
            _check(f"{where}.{key}", item, inner, problems)
            if isinstance(value, Mapping):
                _check(f"{where}: key", key, _NAME, problems)
    least = schema.get("minItems")
    if isinstance(value, list) and isinstance(least, int) and len(value) < least:
        problems.append(Problem(where, f"found {len(value)} items", f"give at least {least}"))


_SHORT: Final = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother = 4, 60, 60


def _show(value: object) -> str:
    """A value in one short line, however large or deep it is, and even if it contains itself."""
    try:
        text = _SHORT.repr(value)
    except ValueError:
        return "a number of thousands of digits"
    return text if len(text) <= 60 else f"{text[:57]}..."

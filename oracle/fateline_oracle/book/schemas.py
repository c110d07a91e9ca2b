"""JSON Schemas of what is exchanged: trail records, pipelines, stimuli, cases, reports. Made from the model's own tables.

Not here: the pages that say the same to a person (`vocabulary.py`).
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

from fateline_model import LAW_VERSION
from fateline_model.pipeline import ENGINE_KEYS, ENGINE_SETTINGS, fields_of
from fateline_model.records import COMMON_COLUMNS, RELATIONS
from fateline_model.stimuli import SHAPES, Do, Validity
from fateline_model.words import NAME_PATTERN, FlushVerdict, MergeData, NodeKind, Verdict

from ..conform.case import schema as case_json_schema
from ..ports.messages import VERSION as PROTOCOL
from ..ports.messages import schemas as protocol_schemas
from .reports import DIALECT, files_schema, report_schema

Schema = dict[str, Any]
NAME: Final[Schema] = {"type": "string", "pattern": f"^{NAME_PATTERN}$"}


def trail_schema() -> Schema:
    """One line of a trail: one record of one relation."""
    return {
        "$schema": DIALECT,
        "title": f"A record of a Fateline trail, version {LAW_VERSION}",
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in RELATIONS],
        "$defs": {name: _record(name) for name in RELATIONS},
    }


def _record(name: str) -> Schema:
    kind = RELATIONS[name]
    properties: Schema = {"rec": {"const": name}}
    for column, hint in get_type_hints(kind, include_extras=True).items():
        base, says = get_args(hint) if get_origin(hint) is Annotated else (hint, "")
        properties[column] = {**_type(base), "description": says}
    for column, says in COMMON_COLUMNS.items():
        properties[column] = {"type": "integer", "description": says}
    return {
        "type": "object",
        "description": (kind.__doc__ or "").strip(),
        "properties": properties,
        "required": ["rec", *(column for column in kind._fields if column not in kind._field_defaults)],
        "additionalProperties": False,
    }


def _type(hint: object) -> Schema:
    for member in get_args(hint) or (hint,):
        if member is int:
            return {"type": "integer"}
        if member is bool:
            return {"type": "boolean"}
        if member is str:
            return {"type": "string"}
        if isinstance(member, type) and issubclass(member, str):
            return {"enum": [str(word) for word in member]}  # type: ignore[attr-defined]
    raise TypeError(f"no schema for {hint}")


def pipeline_schema() -> Schema:
    """A pipeline as data."""
    return {
        "$schema": DIALECT,
        "title": f"A Fateline pipeline, version {LAW_VERSION}",
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "nodes": {"type": "array", "items": {"oneOf": [_node(kind) for kind in NodeKind]}},
            ENGINE_SETTINGS: {"type": "object", "description": "an engine's own settings; the law looks past them"},
        },
        "required": ["nodes"],
        "additionalProperties": False,
    }


def _node(kind: NodeKind) -> Schema:
    fields = fields_of(kind)
    return {
        "properties": {
            "name": {**NAME, "description": "unique in the pipeline"},
            "kind": {"const": str(kind)},
            **{key: {"description": "an engine's own; the law looks past it"} for key in ENGINE_KEYS},
            **{key: {**_keywords(field.schema), "description": field.meaning} for key, field in fields.items()},
        },
        "required": ["name", "kind", *(key for key, field in fields.items() if field.required)],
        "additionalProperties": False,
        "type": "object",
    }


def _keywords(schema: Mapping[str, object]) -> Schema:
    """Our `of` is JSON Schema's `items` or `additionalProperties`."""
    plain = {key: value for key, value in schema.items() if key != "of"}
    inner = schema.get("of")
    if isinstance(inner, Mapping):
        plain["items" if schema["type"] == "array" else "additionalProperties"] = dict(inner)
        if schema["type"] == "object":
            plain["propertyNames"] = {"pattern": NAME["pattern"]}
    return plain


_FIELDS: Final[dict[str, Schema]] = {
    "row": {"type": "integer", "minimum": 0},
    "token": {"type": "string", "description": "the token's name, as `0/a` or `0.1`"},
    "hold": {"type": "string", "description": "a barrier, as `j@0`, or a batch, as `agg#0`"},
}


def stimulus_schema() -> Schema:
    """One stimulus of the pipeline machine."""
    return {
        "$schema": DIALECT,
        "title": f"A Fateline stimulus, version {LAW_VERSION}",
        "oneOf": [_stimulus(do) for do in Do],
    }


def _stimulus(do: Do) -> Schema:
    shape = SHAPES[do]
    properties: Schema = {"do": {"const": str(do)}}
    for name in shape.must:
        properties[name] = _verdict(do) if name == "verdict" else _FIELDS[name]
    if shape.merges:
        properties["data"] = {"type": "array", "items": {"enum": [str(word) for word in MergeData]}}
    return {
        "type": "object",
        "description": shape.meaning,
        "properties": properties,
        "required": ["do", *shape.must],
        "additionalProperties": False,
    }


def _verdict(do: Do) -> Schema:
    if do is Do.READ:
        return {"enum": [str(word) for word in Validity]}
    if do is Do.FLUSHED:
        plain = [str(word) for word in FlushVerdict if word is not FlushVerdict.OUTPUTS]
        return {"anyOf": [{"enum": plain}, {"type": "string", "pattern": f"^{FlushVerdict.OUTPUTS} [0-9]+$"}]}
    plain = [str(v) for v in Verdict if v not in (Verdict.ROUTE, Verdict.EXPAND)]
    return {
        "anyOf": [
            {"enum": plain},
            {"type": "string", "pattern": f"^{Verdict.ROUTE} .+$"},
            {"type": "string", "pattern": f"^{Verdict.EXPAND} [0-9]+$"},
        ]
    }


def case_schema() -> Schema:
    """A counterexample, as it is decoded."""
    return {"$schema": DIALECT, "title": f"A Fateline case, version {LAW_VERSION}", **case_json_schema()}


def _protocol_schema(side: str, title: str) -> Schema:
    """One direction of the protocol, as it is decoded."""
    return {"$schema": DIALECT, "title": f"{title}, protocol version {PROTOCOL}", **protocol_schemas()[side]}


SCHEMAS: Final[dict[str, Callable[[], Schema]]] = {
    "trail": trail_schema,
    "pipeline": pipeline_schema,
    "stimulus": stimulus_schema,
    "case": case_schema,
    "report": report_schema,
    "files": files_schema,
    "protocol-judge": partial(_protocol_schema, "judge", "What the judge asks"),
    "protocol-engine": partial(_protocol_schema, "engine", "What an engine may answer"),
}

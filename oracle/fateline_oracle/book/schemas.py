"""JSON Schemas of what is exchanged: trail records, pipelines, stimuli, cases. Made from the model's own tables.

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

from ..ports.messages import VERSION as PROTOCOL
from ..ports.messages import schemas as protocol_schemas
from ..ports.port import CommitPolicy, Write

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
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
    """A counterexample as data: `fateline_oracle.report.case` writes it."""
    record = {"$ref": "trail.schema.json"}
    step = {
        "type": "object",
        "properties": {
            "says": {"type": "string", "description": "the stimulus in words"},
            "stimulus": {"type": "object", "description": "stimulus.schema.json, or a call of another machine"},
            "records": {
                "type": "array",
                "items": {"anyOf": [record, {"type": "object", "required": ["rec"]}]},
                "description": "what was written; in the last step of an engine's case what the engine wrote, as it did",
            },
        },
        "required": ["says", "stimulus", "records"],
        "additionalProperties": False,
    }
    expected = {
        "oneOf": [
            {"type": "array", "items": record, "description": "what the law writes in the last step"},
            {"type": "string", "description": "the rule by which the law refuses the last step"},
            {"type": "null", "description": "the law does not come that far"},
        ]
    }
    return {
        "$schema": DIALECT,
        "title": f"A Fateline case, version {LAW_VERSION}",
        "type": "object",
        "properties": {
            "schema": {"const": "fateline.case/1"},
            "law_version": {"type": "string"},
            "title": {"type": "string"},
            "machine": {"enum": ["pipeline", "batch", "barrier", "lifecycle", "kernel", "torture"]},
            "instance": {"type": "string", "description": "the instance of a scope"},
            "pipeline": {"oneOf": [{"$ref": "pipeline.schema.json"}, {"type": "null"}]},
            "laws": {
                "type": "array",
                "items": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "string"}]},
                "description": "the laws that the last step breaks, each with what was wrong",
            },
            "steps": {"type": "array", "items": step},
            "expected": expected,
            "reproduce": {"type": "string"},
            "engine": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "version": {"type": "string"}},
                "required": ["name", "version"],
                "description": "whose case it is; absent for a case of the law's own mutants",
            },
            "seed": {"type": "integer"},
            "differences": {
                "type": "array",
                "items": {"type": "string"},
                "description": "in what the last step is another",
            },
            "legal": {
                "type": "array",
                "items": {"type": "string"},
                "description": "what would have been lawful instead",
            },
            "observed": {"type": "string", "description": "how the engine answered, where it wrote no records"},
            "policy": {"enum": [*CommitPolicy], "description": "of a torture: when the engine committed"},
            "cuts": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "boundary": {"type": "integer", "minimum": 0, "description": "its number in that run, from 0"},
                        "write": {"enum": [*Write], "description": "what would have come next"},
                        "steps": {"type": "integer", "minimum": 0, "description": "how many were committed"},
                    },
                    "required": ["boundary", "write", "steps"],
                    "additionalProperties": False,
                },
                "description": "of a torture: where the run was broken off, one after the other",
            },
        },
        "required": ["schema", "law_version", "title", "machine", "instance", "laws", "steps", "expected", "reproduce"],
        "additionalProperties": False,
    }


def _protocol_schema(side: str, title: str) -> Schema:
    """One direction of the protocol, as it is decoded."""
    return {"$schema": DIALECT, "title": f"{title}, protocol version {PROTOCOL}", **protocol_schemas()[side]}


SCHEMAS: Final[dict[str, Callable[[], Schema]]] = {
    "trail": trail_schema,
    "pipeline": pipeline_schema,
    "stimulus": stimulus_schema,
    "case": case_schema,
    "protocol-judge": partial(_protocol_schema, "judge", "What the judge asks"),
    "protocol-engine": partial(_protocol_schema, "engine", "What an engine may answer"),
}

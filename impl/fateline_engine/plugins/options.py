"""The types of values that options of plugins take, beside those of `settings.keys`.

Readers for tables of options, as in `@source(options={"path": Key(file_path, required=True)})`. Not here: any plugin.
"""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

from fateline_engine.settings.keys import BAD, Key, Place, boolean, expression, named, one_of, text, whole

__all__ = [
    "BAD",
    "FIELD_TYPES",
    "IfExists",
    "Key",
    "Place",
    "boolean",
    "character",
    "expression",
    "expressions",
    "field_types",
    "fields",
    "file_path",
    "named",
    "one_of",
    "renames",
    "text",
    "whole",
]

FIELD_TYPES: Final = ("str", "int", "float", "bool")


class IfExists(StrEnum):
    """What a sink does with an existing file or table when a run starts."""

    REPLACE = "replace"
    APPEND = "append"
    FAIL = "fail"


def file_path(value: object, place: Place) -> object:
    """A file; a relative path starts at the folder of the pipeline."""
    if text(value, place) is BAD:
        return BAD
    if "\0" in str(value):
        return place.refuse(value, "a path cannot hold a zero byte")
    return Path(str(value))


def character(value: object, place: Place) -> object:
    if not isinstance(value, str) or len(value) != 1 or value in '\r\n"':
        return place.refuse(value, "must be one character, and neither a quote nor the end of a line")
    return value


def fields(value: object, place: Place) -> object:
    """A list of fields, none of them twice."""
    if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
        return place.refuse(value, "must be a list of fields")
    if len(set(value)) < len(value):
        return place.refuse(value, "names a field twice")
    return tuple(value)


def _field_to(what: str, value: object, place: Place) -> dict[str, str] | None:
    if not isinstance(value, dict) or not value or not all(isinstance(item, str) and item for item in value.values()):
        place.refuse(value, f"must be a mapping from a field to {what}")
        return None
    return dict(value)


def field_types(value: object, place: Place) -> object:
    """Fields to their types; a `?` behind the type lets the field be empty."""
    allowed = f"one of {', '.join(FIELD_TYPES)}, with ? if it may be empty"
    types = _field_to(allowed, value, place)
    if types is None:
        return BAD
    bad = [(place / name).refuse(item, allowed) for name, item in types.items() if item.rstrip("?") not in FIELD_TYPES]
    return BAD if bad else types


def renames(value: object, place: Place) -> object:
    """Fields to their new names."""
    mapping = _field_to("its new name", value, place)
    if mapping is None:
        return BAD
    if len(set(mapping.values())) < len(mapping):
        return place.refuse(value, "gives two fields the same name")
    return mapping


def expressions(value: object, place: Place) -> object:
    """Fields to expressions."""
    mapping = _field_to("an expression", value, place)
    if mapping is None:
        return BAD
    read = expression()
    return BAD if BAD in [read(item, place / name) for name, item in mapping.items()] else mapping


Options = Mapping[str, Key]

"""The published JSON Schemas as validators. Not a test."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

FOLDER = Path(__file__).parents[2] / "specs" / "schemas"
NAMES = sorted(path.name.removesuffix(".schema.json") for path in FOLDER.glob("*.schema.json"))


@cache
def schema(name: str) -> Any:
    """One schema as it is published."""
    return json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8"))


@cache
def validator(name: str) -> Draft202012Validator:
    """A validator of one schema, which finds the others by the names of their files."""
    others = [(f"{other}.schema.json", DRAFT202012.create_resource(schema(other))) for other in NAMES]
    registry: Registry[Any] = Registry().with_resources(others)
    return Draft202012Validator(schema(name), registry=registry)

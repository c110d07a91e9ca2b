"""Writes counterexamples as data: one JSON file each, by `specs/schemas/case.schema.json`.

Not here: how a case is shown to a person (`render/counterexample.py`).
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from fateline_model import LAW_VERSION, Refusal
from fateline_model.checker.verify import Step

SCHEMA: Final = "fateline.case/1"


def case_document(
    title: str,
    machine: str,
    instance: str,
    pipeline: Mapping[str, object] | None,
    laws: Sequence[tuple[str, str]],
    steps: Sequence[Step],
    expected: Sequence[Mapping[str, object]] | Refusal | None,
    reproduce: str,
) -> dict[str, object]:
    """One counterexample as a JSON object."""
    return {
        "schema": SCHEMA,
        "law_version": LAW_VERSION,
        "title": title,
        "machine": machine,
        "instance": instance,
        "pipeline": pipeline,
        "laws": [list(law) for law in laws],
        "steps": [asdict(step) for step in steps],
        "expected": expected if expected is None or isinstance(expected, str) else list(expected),
        "reproduce": reproduce,
    }


def write_cases(folder: Path, cases: Sequence[Mapping[str, object]]) -> str:
    """Write cases into a folder, in their order. Returns the line that says where they are."""
    for place, case in enumerate(cases):
        write_case(folder, f"{place:03d}-{case['instance']}", case)
    return f"{len(cases)} counterexamples: {folder.resolve()}; replay one with: fateline replay CASE"


def write_case(folder: Path, name: str, document: Mapping[str, object]) -> Path:
    """Write a case into a folder, under a name that any file system accepts. Returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{re.sub(r'[^A-Za-z0-9._-]+', '-', name)[:100]}.json"
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return path

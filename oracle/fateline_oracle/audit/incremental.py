"""Remembers the result of an audit in a small JSON file, so that the next audit checks only rows that had not ended.

The auditor chooses where the file is; it is never in the database. Not here: which rows are checked (`whole.py`).
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from .connect import BadSource

SCHEMA: Final = "fateline.audited/1"
LARGEST: Final = 64 * 1024 * 1024
OPEN: Final = 1_000_000
"""The largest number of unended rows that is remembered. If there are more, everything is checked again."""


@dataclass
class RunRemembered:
    """One run: the last row that was checked, the rows up to it that had not ended, and how far each source was read."""

    upto: int | None = None
    open: list[int] = field(default_factory=list)
    stretches: list[tuple[str | None, int, int, int]] = field(default_factory=list)


@dataclass
class Remembered:
    """What an audit checked, and through which adapter."""

    adapter: str
    runs: dict[str, RunRemembered] = field(default_factory=dict)

    def left(self, run: str, parts: list[int]) -> None:
        held = self.runs[run]
        held.open += parts
        if len(held.open) > OPEN:
            held.upto = None

    def to_json(self) -> str:
        return json.dumps(
            {"schema": SCHEMA, "adapter": self.adapter, "runs": {k: asdict(v) for k, v in self.runs.items()}}
        )


def recall(path: Path, adapter: str) -> Remembered | None:
    """Read the file; None if it does not exist. Its content is validated."""
    if not path.exists():
        return None
    try:
        if path.stat().st_size > LARGEST:
            raise BadSource(f"{path}: larger than the {LARGEST:,} bytes that an audit writes; remove it to start again")
        document = json.loads(path.read_text("utf-8"))
        if document["schema"] != SCHEMA or document["adapter"] != adapter:
            raise BadSource(f"{path}: written by an audit through {document['adapter']!r}; remove it to start again")
        runs = {str(run): _run(one) for run, one in document["runs"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, BadSource):
            raise
        raise BadSource(
            f"{path}: not written by an audit ({type(error).__name__}); remove it to start again"
        ) from error
    return Remembered(adapter, runs)


def _run(document: dict[str, object]) -> RunRemembered:
    upto, parts, stretches = document["upto"], document["open"], document["stretches"]
    if not isinstance(upto, int | None) or not isinstance(parts, list) or not isinstance(stretches, list):
        raise TypeError
    return RunRemembered(
        upto,
        [int(part) for part in parts],
        [
            (None if source is None else str(source), int(part), int(first), int(last))
            for source, part, first, last in stretches
        ],
    )

"""What an audit remembers, so that the next one looks only at rows that were not at their end: a small JSON file.

It is kept where the auditor says, never in the database. Not here: what is looked at (`whole.py`).
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from .connect import BadSource

SCHEMA: Final = "fateline.audited/1"
LARGEST: Final = 64 * 1024 * 1024
OPEN: Final = 1_000_000
"""More rows that are not at their end are not remembered: then everything is judged again."""


@dataclass
class RunRemembered:
    """One run: the last row that was judged, the rows before it that were not at their end, how far each source was read."""

    upto: int | None = None
    open: list[int] = field(default_factory=list)
    stretches: list[tuple[str | None, int, int, int]] = field(default_factory=list)


@dataclass
class Remembered:
    """What was judged, through which adapter."""

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
    """What the file says; None where there is none yet. What it says is not believed before it was looked at."""
    if not path.exists():
        return None
    try:
        if path.stat().st_size > LARGEST:
            raise BadSource(f"{path}: larger than an audit leaves it ({LARGEST:,} bytes)")
        told = json.loads(path.read_text("utf-8"))
        if told["schema"] != SCHEMA or told["adapter"] != adapter:
            raise BadSource(f"{path}: was left by an audit through {told['adapter']!r}; remove it to begin anew")
        runs = {str(run): _run(one) for run, one in told["runs"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, BadSource):
            raise
        raise BadSource(
            f"{path}: is not what an audit leaves ({type(error).__name__}); remove it to begin anew"
        ) from error
    return Remembered(adapter, runs)


def _run(told: dict[str, object]) -> RunRemembered:
    upto, parts, stretches = told["upto"], told["open"], told["stretches"]
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

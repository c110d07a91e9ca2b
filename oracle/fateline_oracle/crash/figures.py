"""What tortures of the reference engine came to, kept for the book: counts by the command that printed them.

Not here: how a torture is concluded (`verdict.py`), and the page (`book/judged.py`).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ..report.verdict import Report

LOCK: Final = Path(__file__).parent / "figures.json"


def read_figures() -> dict[str, dict[str, Any]]:
    """By command: the verdict and every count; empty where nothing is kept."""
    found: dict[str, dict[str, Any]] = json.loads(LOCK.read_text(encoding="utf-8")) if LOCK.exists() else {}
    return found


def keep_figures(report: Report) -> None:
    """Keep what a command found, in place of what it found before. Times are no part of it: they are the machine's."""
    found: Mapping[str, Any] = {"verdict": str(report.verdict), "counts": dict(report.counts)}
    figures = {**read_figures(), report.reproduce: found}
    LOCK.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n", encoding="utf-8")

"""Keeps the counts of crash tests of the reference engine for the book, by the command that printed them.

Not here: how a crash test is concluded (`verdict.py`), and the page (`book/judged.py`).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ..report.verdict import Report

LOCK: Final = Path(__file__).parent / "figures.json"


def read_figures() -> dict[str, dict[str, Any]]:
    """The verdict and all counts by command; empty if none are kept."""
    found: dict[str, dict[str, Any]] = json.loads(LOCK.read_text(encoding="utf-8")) if LOCK.exists() else {}
    return found


def keep_figures(report: Report) -> None:
    """Keep the result of a command in place of its earlier one, without times, which depend on the machine."""
    found: Mapping[str, Any] = {"verdict": str(report.verdict), "counts": dict(report.counts)}
    figures = {**read_figures(), report.reproduce: found}
    LOCK.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n", encoding="utf-8")

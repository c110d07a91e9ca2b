"""Reads a report that a command printed with `--json`: its size is bounded, and its schema is ours.

Not here: what is read of it (`ledger.py`, `parts.py`).
"""

import json
from pathlib import Path
from typing import Any, Final

from .verdict import SCHEMA

LARGEST_REPORT: Final = 256 * 1_048_576


class BadReport(ValueError):
    """A file is not a report, or reports do not belong together; the message says why."""


def report_in(path: Path) -> dict[str, Any]:
    """The report in a file, as JSON."""
    try:
        if path.stat().st_size > LARGEST_REPORT:
            raise BadReport(f"{path}: larger than the {LARGEST_REPORT:,} bytes of a report")
        found: Any = json.loads(path.read_bytes())
    except OSError as error:
        raise BadReport(f"{path}: {error.strerror}") from error
    except BadReport:
        raise
    except (ValueError, RecursionError) as error:
        raise BadReport(f"{path}: not JSON: {error}") from error
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise BadReport(f"{path}: not a report: its `schema` is not {SCHEMA!r}; write one with --json")
    return found

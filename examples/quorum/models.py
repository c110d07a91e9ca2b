"""Three models of different speed and care.

What it is: stand-ins that answer with a number from 0 to 1 under their own name.

What it is not: fraud detection.
"""

import time
from collections.abc import Mapping
from typing import Any

from fateline_engine.plugins import Failure, transform

EMBARGO = frozenset({"KP", "IR"})


@transform
def rules(row: Mapping[str, Any]) -> dict[str, Any]:
    """Fast, and sees only the obvious."""
    return {**row, "rules": 0.95 if row["country"] in EMBARGO else 0.1}


@transform
def velocity(row: Mapping[str, Any]) -> dict[str, Any] | Failure:
    """How many payments there were in the last hour. Without a count it has nothing to say."""
    if "last_hour" not in row:
        return Failure("the counter did not answer", retryable=True)
    return {**row, "velocity": min(row["last_hour"] / 15, 1.0)}


@transform
def thorough(row: Mapping[str, Any], *, seconds: float) -> dict[str, Any]:
    """Careful, and slow."""
    time.sleep(seconds)
    return {**row, "thorough": 0.5 if row["amount"] > 1000 else 0.2}

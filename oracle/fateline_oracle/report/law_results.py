"""What the commands that explore the law share: what a search says of every law, and the colour of a verdict.

Not here: the commands (`verify.py`, `verify_pipeline.py`).
"""

from collections import Counter
from typing import Final

from fateline_model.laws import ALL

from .verdict import LawResult, Verdict

COLOUR: Final = {Verdict.HOLDS: "green", Verdict.BREACHED: "red", Verdict.UNDETERMINED: "yellow"}


def law_results(checks: Counter[str], breached: Counter[str]) -> dict[str, LawResult]:
    """What a search says of every law of the catalogue."""
    results = {}
    for law in ALL:
        if law.elsewhere and not checks[law.id]:
            results[law.id] = LawResult(None, why=law.elsewhere)
        elif breached[law.id]:
            results[law.id] = LawResult(Verdict.BREACHED, checks[law.id], breached[law.id])
        elif not checks[law.id]:
            results[law.id] = LawResult(Verdict.UNDETERMINED, why="never checked in a case to which it applies")
        else:
            results[law.id] = LawResult(Verdict.HOLDS, checks[law.id])
    return results

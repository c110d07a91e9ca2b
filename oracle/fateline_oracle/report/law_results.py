"""The results for all laws of the catalogue, built in one place, and the colour of a verdict.

A command says what was checked and breached, and two reasons: why a law was not judged, and why it stays undetermined. Not
here: those reasons, which each command has for itself.
"""

from collections.abc import Callable, Mapping
from typing import Final

from fateline_model.laws import ALL, Law

from .verdict import LawResult, Verdict

COLOUR: Final = {Verdict.HOLDS: "green", Verdict.BREACHED: "red", Verdict.UNDETERMINED: "yellow"}

Why = Callable[[Law], str | None]
"""A reason for a law, or None if there is no reason."""


def _no_reason(law: Law) -> str | None:
    return None


def law_results(
    checked: Mapping[str, int],
    breached: Mapping[str, int],
    *,
    not_judged: Why = _no_reason,
    undecided: Why = _no_reason,
) -> dict[str, LawResult]:
    """Each law: breached if it was, else not judged or undetermined for the first reason that there is, else it holds."""
    return {law.id: _result(checked.get(law.id, 0), breached.get(law.id, 0), law, not_judged, undecided) for law in ALL}


def _result(checked: int, breached: int, law: Law, not_judged: Why, undecided: Why) -> LawResult:
    if breached:
        return LawResult(Verdict.BREACHED, max(checked, breached), breached)
    if (why := not_judged(law)) is not None:
        return LawResult(None, why=why)
    if (why := undecided(law)) is not None:
        return LawResult(Verdict.UNDETERMINED, checked, why=why)
    return LawResult(Verdict.HOLDS, checked)


def searched(checks: Mapping[str, int], breached: Mapping[str, int], never: str | None = None) -> dict[str, LawResult]:
    """The results of a search through the states of the law. `never`: why a law may not be asked, if that is no fault."""

    def elsewhere(law: Law) -> str | None:
        return (law.elsewhere or never) if not checks.get(law.id) else None

    def unchecked(law: Law) -> str | None:
        return "never checked in a case to which it applies" if not checks.get(law.id) else None

    return law_results(checks, breached, not_judged=elsewhere, undecided=unchecked)

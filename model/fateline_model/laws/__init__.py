"""The catalogue: every law, in the order in which the book prints them.

A law is one object with an id, a sentence, a predicate, and the places where it can be judged. Each file declares the laws
of one subject. Not here: how a law is known to hold (`fateline_model.checker`).
"""

from typing import Final

from . import arrival, batch, coalesce, creation, fate, lineage, record_fold, recovery, refusals, verdict_effects, visit
from .law import Family, Law, Level, Where, checks, concerns
from .step_view import Check, StepView, WorldIndex

_FILES: Final = (
    fate,
    lineage,
    creation,
    coalesce,
    arrival,
    batch,
    visit,
    verdict_effects,
    recovery,
    refusals,
    record_fold,
)
ALL: Final = tuple(
    sorted(
        (law for file in _FILES for law in vars(file).values() if isinstance(law, Law)),
        key=lambda law: (tuple(Family).index(law.family), int(law.id[1:])),
    )
)
LAWS: Final[dict[str, Law]] = {law.id: law for law in ALL}

NOT_IN_LIFECYCLE: Final = {
    law.id for law in ALL if law.family in (Family.COALESCE, Family.VISIT, Family.TOPOLOGY, Family.RECOVERY)
} - {"C2", "V4"} | {"F5", "F7", "B2"}
"""Laws about visits, hops, barriers or a graph. The lifecycle machine has none of these."""

__all__ = [
    "ALL",
    "LAWS",
    "NOT_IN_LIFECYCLE",
    "Check",
    "Family",
    "Law",
    "Level",
    "StepView",
    "Where",
    "WorldIndex",
    "checks",
    "concerns",
]

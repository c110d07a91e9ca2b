"""What a law is: one object with a sentence, a predicate, the places where it can be judged, and how binding it is.

`law` is the decorator that declares one. It stands above the predicate, so that the sentence is read directly before its
meaning in code. Not here: any law, and the search that checks them.
"""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Final, NamedTuple

from ..records import Record
from .step_view import Check, StepView


class Family(StrEnum):
    FATE = "Fate"
    LINEAGE = "Lineage"
    FORK = "Fork"
    EXPAND = "Expand"
    COALESCE = "Coalesce"
    BATCH = "Batch"
    VISIT = "Visit"
    TOPOLOGY = "Topology"
    RECOVERY = "Recovery"
    REFUSAL = "Refusal"
    DETERMINISM = "Determinism"


FAMILY_OF: Final = dict(zip("FLKXCBVTRZD", Family, strict=True))
"""The family of a law by the letter with which its id begins."""


class Where(StrEnum):
    """Where a law can be judged."""

    MACHINE = "machine"
    KERNEL = "kernel"
    STEP = "step"
    TRAIL = "trail"
    AUDIT = "audit"


EVERYWHERE: Final = (Where.MACHINE, Where.STEP, Where.TRAIL, Where.AUDIT)


class Level(StrEnum):
    """Core: required of any engine of this kind. Profile: a choice of ours; an engine may declare that it differs."""

    CORE = "core"
    PROFILE = "profile"


Predicate = Callable[[StepView], Iterator[Check]]
"""Yields one `Check` for each thing that it looks at, so that a law that looks at nothing is noticed."""


class Law(NamedTuple):
    """One law.

    `needs` names the relations that a trail must record for it. `on` names the records that can break the law: the
    predicate is called for a step that writes one of them, or for every step if `on` is empty. `predicate` is None for a
    law that no single step of a machine can show; `elsewhere` then explains how the law is known.
    """

    id: str
    title: str
    sentence: str
    needs: tuple[str, ...]
    on: tuple[type[Record], ...]
    where: tuple[Where, ...]
    level: Level
    predicate: Predicate | None
    elsewhere: str = ""

    @property
    def family(self) -> Family:
        return FAMILY_OF[self.id[0]]


def law(
    id: str,
    title: str,
    sentence: str,
    *,
    needs: tuple[str, ...],
    on: tuple[type[Record], ...] = (),
    where: tuple[Where, ...] = EVERYWHERE,
    level: Level = Level.CORE,
) -> Callable[[Predicate], Law]:
    """Declare the law that the predicate below decides. The name of the predicate then stands for the law."""
    return lambda predicate: Law(id, title, sentence, needs, on, where, level, predicate)


def law_known_elsewhere(
    id: str,
    title: str,
    sentence: str,
    *,
    needs: tuple[str, ...],
    where: tuple[Where, ...],
    elsewhere: str,
    level: Level = Level.CORE,
) -> Law:
    """Declare a law that no single step of a machine can show, and explain how it is known."""
    return Law(id, title, sentence, needs, (), where, level, None, elsewhere)


def concerns(law: Law, view: StepView) -> bool:
    """Whether the step can break the law. A refused stimulus wrote nothing, so only laws of refusal are about it."""
    if law.predicate is None or (view.refusal is not None and law.family is not Family.REFUSAL):
        return False
    return not (law.on and view.kinds.isdisjoint(law.on))


def checks(law: Law, view: StepView) -> Iterator[Check]:
    """What one law finds in one step."""
    if law.predicate is None or not concerns(law, view):
        return iter(())
    return law.predicate(view)

"""What a law is: one object with its sentence, its predicate, where it can be judged, and how binding it is.

`law` makes one: it stands above the predicate, so that the sentence is read directly before what it means in code.
Not here: any law, and the machinery that asks them.
"""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Final, NamedTuple

from ..records import Record
from .moment import Check, Moment


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
    """Core: what any engine of this kind owes. Profile: a choice of ours that an engine may declare away."""

    CORE = "core"
    PROFILE = "profile"


Predicate = Callable[[Moment], Iterator[Check]]
"""Yields one `Check` for each thing that it looks at, so that a law that looks at nothing is seen."""


class Law(NamedTuple):
    """One law.

    `needs` names the relations that a trail must record for it. `on` names the records that put the law in danger: the
    predicate is asked of a step that writes one of them, or of every step where `on` is empty. `predicate` is None for a
    law that no single step of the machine can show; `elsewhere` then says how it is known instead.
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
    """Declare the law that the predicate below it decides. What the name then stands for is the law."""
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
    """Declare a law that no single step of a machine can show, and say how it is known instead."""
    return Law(id, title, sentence, needs, (), where, level, None, elsewhere)


def concerns(law: Law, moment: Moment) -> bool:
    """Whether the step wrote anything that puts the law in danger."""
    return law.predicate is not None and not (law.on and moment.kinds.isdisjoint(law.on))


def checks(law: Law, moment: Moment) -> Iterator[Check]:
    """What one law finds in one step."""
    if law.predicate is None or not concerns(law, moment):
        return iter(())
    return law.predicate(moment)

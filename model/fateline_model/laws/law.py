"""What a law is: one object with its sentence, its predicate, where it can be judged, and how binding it is.

Not here: any law, and the machinery that judges them.
"""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import NamedTuple

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


class Where(StrEnum):
    """Where a law can be judged."""

    MACHINE = "machine"
    KERNEL = "kernel"
    STEP = "step"
    TRAIL = "trail"
    AUDIT = "audit"


class Level(StrEnum):
    """Core: what any engine of this kind owes. Profile: a choice of ours that an engine may declare away."""

    CORE = "core"
    PROFILE = "profile"


class Law(NamedTuple):
    """One law. `judge` yields one `Check` for each thing it looks at, so that a law that looks at nothing is seen.

    `on` names the records that put the law in danger: the predicate is asked of a step that writes one of them, or of
    every step where `on` is empty. `judge` is None for a law that no single step of the machine can show; `elsewhere`
    then says how it is known instead.
    """

    id: str
    title: str
    sentence: str
    family: Family
    level: Level
    where: tuple[Where, ...]
    needs: tuple[str, ...]
    on: tuple[type[Record], ...]
    judge: Callable[[Moment], Iterator[Check]] | None
    elsewhere: str = ""


def concerns(law: Law, moment: Moment) -> bool:
    """Whether the step wrote anything that puts the law in danger."""
    return law.judge is not None and not (law.on and moment.kinds.isdisjoint(law.on))


def judge(law: Law, moment: Moment) -> Iterator[Check]:
    """Ask one law about one step."""
    if law.judge is None or not concerns(law, moment):
        return iter(())
    return law.judge(moment)

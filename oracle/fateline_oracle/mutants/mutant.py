"""What an animal of the zoo is: the reference engine with one seeded bug, and which law must notice it.

Not here: any animal, and how one is let run (`sandbox.py`).
"""

from typing import Final, NamedTuple


class Patch(NamedTuple):
    """One piece of the engine's text, which must be there exactly once, and what stands there instead."""

    file: str
    find: str
    replace: str


class Mutant(NamedTuple):
    """One engine with one bug.

    `law` is the law that the bug breaks; `places` names families of scope small, or
    instances by the beginning of their names, in which it shows. `guard` is the guard
    of the database that refuses the write, for an animal whose guards are on; then nothing reaches the trail. One that is
    `tortured` shows only when it is crashed in the midst of a step, or resumed.
    """

    name: str
    law: str
    says: str
    patches: tuple[Patch, ...]
    places: tuple[str, ...]
    finding: int | None = None
    guard: str | None = None
    tortured: bool = False


GUARDS_OFF: Final = (
    Patch("landscape/store.py", "for guard in reversed(GUARDS))", "for guard in ())"),
    Patch("landscape/store.py", "PRAGMA foreign_keys = ON", "PRAGMA foreign_keys = OFF"),
)
"""A database that refuses nothing, so that the trail shows what the bug does."""


def unguarded(animal: Mutant, *more: Patch) -> Mutant:
    """The same bug over a database without guards; `more` takes keys out of its way."""
    return animal._replace(name=f"{animal.name}-unguarded", patches=(*animal.patches, *GUARDS_OFF, *more), guard=None)

"""What a mutant of the zoo is, and how one is read: the reference engine with one bug, and the law that must notice it.

Not here: any mutant (the TOML files beside this one), and how one is run (`sandbox.py`).
"""

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from ..toml_tables import Entry, decoded


class Patch(Entry, frozen=True):
    """One piece of the engine's text, which must be there exactly once, and what stands there instead."""

    file: str
    find: str
    replace: str


class Twin(Entry, frozen=True, rename={"patches": "patch"}):
    """The same bug in an engine whose database refuses nothing. Its patches take keys out of the way; its law is another
    where other things go wrong then."""

    law: str | None = None
    patches: tuple[Patch, ...] = ()


class Mutant(Entry, frozen=True, rename={"patches": "patch"}):
    """One engine with one bug.

    `law` is the law that the bug breaks; `places` names families of scope small, or
    instances by the beginning of their names, in which it shows. `guard` is the guard
    of the database that refuses the write, for a mutant whose guards are on; then nothing reaches the trail. One that is
    `tortured` shows only when it is crashed in the midst of a step, or resumed. `unguarded` asks for a second mutant.
    """

    name: str
    law: str
    says: str
    patches: tuple[Patch, ...]
    places: tuple[str, ...]
    finding: int | None = None
    guard: str | None = None
    tortured: bool = False
    unguarded: Twin | None = None


GUARDS_OFF: Final = (
    Patch("landscape/store.py", "for guard in reversed(GUARDS))", "for guard in ())"),
    Patch("landscape/store.py", "PRAGMA foreign_keys = ON", "PRAGMA foreign_keys = OFF"),
)
"""A database that refuses nothing, so that the trail shows what the bug does."""


class _File(Entry, frozen=True):
    mutant: tuple[Mutant, ...]


def mutants_in(text: str, name: str) -> Iterator[Mutant]:
    """The mutants of one file in order, each followed by its twin without guards. `name` is for messages."""
    for mutant in decoded(text, name, _File).mutant:
        yield mutant
        if (twin := mutant.unguarded) is not None:
            yield replace(
                mutant,
                name=f"{mutant.name}-unguarded",
                law=twin.law or mutant.law,
                patches=(*mutant.patches, *GUARDS_OFF, *twin.patches),
                guard=None,
                unguarded=None,
            )

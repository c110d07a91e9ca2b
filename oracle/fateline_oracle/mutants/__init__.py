"""The zoo: engines with one seeded bug each, which the judge must tell from the clean one, every time.

A check that never fires is a defect; here is what must make each of them fire. Animals are data in files by subject,
`sandbox.py` lets one run, `kill.py` looks for the first law that notices it. Not here: the judge.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from fateline_oracle.ports.port import Engine

from . import barriers, batches, crashes, fates, forks, lineage, recovery, visits
from .mutant import Animal
from .sandbox import caged

_FILES: Final = (fates, lineage, forks, barriers, batches, visits, recovery, crashes)
ANIMALS: Final[dict[str, Animal]] = {animal.name: animal for file in _FILES for animal in file.ANIMALS}

NO_ANIMAL: Final[dict[str, str]] = {
    "C10": "With nothing in flight a token can only be held after an earlier breach (C4, C8), at which the case ends; judged "
    "in the machines and on trails.",
    "B4": "At no port can a caller name a batch of another run, and the engine's batches live in one run's memory; judged "
    "in the lifecycle machine, where a caller can, and on trails.",
}
"""Laws without an animal, and why the judge of an engine cannot meet one."""


class NoSuchAnimal(ValueError):
    """A name that is not in the zoo."""


@contextmanager
def engine_in_cage(name: str) -> Iterator[Engine]:
    """The engine of an animal while the block runs."""
    animal = ANIMALS.get(name)
    if animal is None:
        raise NoSuchAnimal(f"no animal is called {name!r}; `fateline zoo --list` names them all")
    with caged(animal) as engine:
        yield engine

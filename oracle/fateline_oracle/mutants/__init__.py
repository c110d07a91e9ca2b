"""The zoo: engines with one seeded bug each, which the judge must tell from the clean one, every time.

A check that never fires is a defect; here is what must make each of them fire. Animals are data in files by subject,
`sandbox.py` lets one run, `kill.py` looks for the first law that notices it. Not here: the judge.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from fateline_oracle.ports.port import Engine

from . import barriers, batches, crashes, fates, forks, lineage, recovery, visits
from .mutant import Mutant
from .sandbox import sandboxed

_FILES: Final = (fates, lineage, forks, barriers, batches, visits, recovery, crashes)
MUTANTS: Final[dict[str, Mutant]] = {animal.name: animal for file in _FILES for animal in file.MUTANTS}

WITHOUT_MUTANT: Final[dict[str, str]] = {
    "C10": "With nothing in flight a token can only be held after an earlier breach (C4, C8), at which the case ends; judged "
    "in the machines and on trails.",
    "B4": "At no port can a caller name a batch of another run, and the engine's batches live in one run's memory; judged "
    "in the lifecycle machine, where a caller can, and on trails.",
}
"""Laws without an animal, and why the judge of an engine cannot meet one."""


class NoSuchMutant(ValueError):
    """A name that is not in the zoo."""


@contextmanager
def mutant_engine(name: str) -> Iterator[Engine]:
    """The engine of an animal while the block runs."""
    animal = MUTANTS.get(name)
    if animal is None:
        raise NoSuchMutant(f"no animal is called {name!r}; `fateline zoo --list` names them all")
    with sandboxed(animal) as engine:
        yield engine

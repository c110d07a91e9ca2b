"""The zoo: engines with one seeded bug each, which the judge must tell from the clean one, every time.

A check that never fires is a defect; here is what must make each of them fire. Mutants are data, in TOML files by subject;
`sandbox.py` runs one, `kill.py` looks for the first law that notices it. Not here: the judge.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Final

from fateline_oracle.ports.port import Engine

from ..toml_tables import each_once
from .mutant import Mutant, mutants_in
from .sandbox import sandboxed

FILES: Final = ("fates", "lineage", "forks", "barriers", "batches", "visits", "recovery", "crashes")


def _read() -> dict[str, Mutant]:
    folder = files(__package__)
    found = [one for name in FILES for one in mutants_in((folder / f"{name}.toml").read_text("utf-8"), f"{name}.toml")]
    each_once((mutant.name for mutant in found), "mutants")
    return {mutant.name: mutant for mutant in found}


MUTANTS: Final = _read()

WITHOUT_MUTANT: Final[dict[str, str]] = {
    "C10": "With nothing in flight a token can only be held after an earlier breach (C4, C8), at which the case ends; judged "
    "in the machines and on trails.",
    "B4": "At no port can a caller name a batch of another run, and the engine's batches live in one run's memory; judged "
    "in the lifecycle machine, where a caller can, and on trails.",
}
"""Laws without a mutant, and why the judge of an engine cannot meet one."""


class NoSuchMutant(ValueError):
    """A name that is not in the zoo."""


@contextmanager
def mutant_engine(name: str) -> Iterator[Engine]:
    """The engine of a mutant while the block runs."""
    mutant = MUTANTS.get(name)
    if mutant is None:
        raise NoSuchMutant(f"no mutant is called {name!r}; `fateline zoo --list` names them all")
    with sandboxed(mutant) as engine:
        yield engine

"""What a mutant is. Not here: any mutant."""

from typing import NamedTuple


class Mutant(NamedTuple):
    """One broken law: which, in which file, what is replaced by what, and the mistake in words."""

    name: str
    law: str
    file: str
    find: str
    replace: str
    mistake: str
    family: str

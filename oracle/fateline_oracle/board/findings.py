"""What the breaches on the board mean: for each what the engine's documentation promises, what was done, the law, and whether
the engine's tracker knows it. Each is reproduced by one command.

Not here: the numbers and the shortest cases, which are measured (`rows.py`).
"""

from typing import Final

from ..adapters.profiles import Sentences
from ..toml_tables import each_once, read_table


class EngineFinding(Sentences, frozen=True):
    """One finding. `laws` are the cells that it explains, the most telling first; `known` are places in its tracker."""

    id: str
    engine: str
    way: str
    laws: tuple[str, ...]
    title: str
    promise: str
    """What the documentation says, in its words, and where."""
    did: str
    """What was done, and what the engine did."""
    command: str
    """What prints it, in a fresh folder."""
    known: tuple[str, ...] = ()


class _File(Sentences, frozen=True):
    finding: tuple[EngineFinding, ...]


FINDINGS: Final = read_table(__package__, "findings.toml", _File).finding
each_once((finding.id for finding in FINDINGS), "findings.toml")

"""Issues of engines of others that were mended: in which version each is, and which laws of ours notice it (`mended.toml`).

The program `mended.py` of the engine's folder runs each in the environment of the engine, and writes a trail. Not here: running
it (`board/reproduced.py`).
"""

from functools import cache

from ..toml_tables import decoded
from . import ENGINES, of_engine
from .environments import in_version
from .profiles import Sentences, profile_of


class Mended(Sentences, frozen=True):
    """One issue in the tracker of an engine."""

    title: str
    issue: str
    bad: str
    """A version that has it."""
    good: str
    """A later one that does not."""
    laws: tuple[str, ...]
    """The laws that the first version breaks, and the second does not."""
    did: str
    shown: str
    """What of the engine is shown, and as what."""

    def packages(self, engine: str, version: str) -> tuple[str, ...]:
        """What is installed for one of the two versions."""
        return in_version(profile_of(engine), version)


@cache
def mended_of(engine: str) -> dict[str, Mended]:
    """The issues of an engine, by their numbers."""
    file = of_engine(engine, "mended.toml")
    return decoded(file.read_text("utf-8"), f"{engine}/mended.toml", dict[str, Mended]) if file.is_file() else {}


def every_issue() -> list[tuple[str, str, Mended]]:
    """All of them, with the engine and the number."""
    return [(engine, number, one) for engine in ENGINES for number, one in mended_of(engine).items()]

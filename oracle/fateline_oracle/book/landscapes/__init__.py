"""What was found in real databases: audit databases that engines of one family wrote, and remarks about each.

The databases lie in this folder as they were given, compressed; nothing in them was changed. The audit says whether something
is a breach; the remarks (`landscapes.toml`) say what it means. Not here: the auditing, and the page (`book/found.py`).
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from importlib.resources import files
from pathlib import Path
from typing import Final

from msgspec import field

from ...adapters import unpacked as unpack
from ...audit.summary import AuditSummary
from ...audit.whole_file import judged_file
from ...toml_tables import read_table
from ..prose import Prose


class Case(Prose, frozen=True):
    """One database: when and by what it was written, the laws that it breaks, and what that means."""

    what: str
    breaks: Mapping[str, str] = field(default_factory=dict)
    """A law, and what its breaches mean here."""
    remark: str = ""
    """What else a reader should know."""


CASES: Final = read_table(__package__, "landscapes.toml", dict[str, Case])
"""In the order in which they were written."""


def unpacked(name: str) -> AbstractContextManager[Path]:
    """The database, unpacked while a block runs."""
    return unpack(files(__package__) / f"{name}.db.xz")


def judged(name: str) -> AuditSummary:
    """What the audit says of it."""
    with unpacked(name) as path:
        return judged_file(path, name)

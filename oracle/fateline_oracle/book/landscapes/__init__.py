"""What was found in real databases: audit databases that engines of one family wrote, and remarks about each.

The databases lie in this folder as they were given, compressed; nothing in them was changed. The audit says whether something
is a breach; the remarks (`landscapes.toml`) say what it means. Not here: the auditing, and the page (`book/found.py`).
"""

import lzma
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Final

from msgspec import field

from ...audit.adapters import find_adapter
from ...audit.source import reading
from ...audit.summary import AuditSummary, tell
from ...audit.whole import Wanted, audit
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


@contextmanager
def unpacked(name: str) -> Iterator[Path]:
    """The database, unpacked while a block runs."""
    packed = files(__package__) / f"{name}.db.xz"
    with tempfile.TemporaryDirectory(prefix="fateline-found-") as folder:
        path = Path(folder) / f"{name}.db"
        path.write_bytes(lzma.decompress(packed.read_bytes()))
        yield path


def judged(name: str) -> AuditSummary:
    """What the audit says of it."""
    with unpacked(name) as path:
        adapter = find_adapter(path)
        found = audit(Wanted(path, adapter))
        with reading(path, adapter) as source:
            return tell(found, source, name, f"fateline audit {name}.db", 3)

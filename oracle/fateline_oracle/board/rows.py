"""The board as data: a row for each engine, version and way of judging, with a cell for each law that was judged.

Rows are kept in `board.json`, each with its date and the command that measured it. A row is *stale* if the adapter, or the
version of the law, has changed since. Not here: measuring (`measure.py`), and what a breach means (`findings.py`).
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from importlib.resources.abc import Traversable
from io import BytesIO
from pathlib import Path
from token import COMMENT, DEDENT, ENCODING, INDENT, NEWLINE, NL, STRING, tok_name
from tokenize import tokenize
from typing import Final

import msgspec

from fateline_model import LAW_VERSION

from ..adapters import of_engine
from ..adapters.profiles import profile_of
from ..report.verdict import Verdict
from ..toml_tables import Entry

LOCK: Final = Path(__file__).parent / "board.json"
AT_REST: Final = "at rest"
DRIVEN: Final = "driven"
SHARED: Final = ("wire.py", "recording.py")
"""The files that the programs of all engines use."""


class Cell(Entry, frozen=True):
    """One law: its verdict, how many questions were answered, and in how many instances or how often it was broken."""

    verdict: Verdict
    asked: int
    breached: int = 0


class Row(Entry, frozen=True):
    """One engine in one version, judged in one way."""

    engine: str
    way: str
    version: str
    verdict: Verdict
    laws: dict[str, Cell]
    counted: str
    """How much was judged, in words."""
    date: str
    command: str
    digest: str
    """What it was measured with: the adapter, and the version of the law."""
    cases: dict[str, str] = msgspec.field(default_factory=dict)
    """By law: the shortest case, as it was printed."""

    @property
    def key(self) -> tuple[str, str, str]:
        return self.engine, self.way, self.version

    @property
    def broken(self) -> tuple[str, ...]:
        return tuple(law for law, cell in self.laws.items() if cell.verdict is Verdict.BREACHED)

    @property
    def stale(self) -> bool:
        return self.digest != digest_of(self.engine, self.way)


def digest_of(engine: str, way: str) -> str:
    """A digest of everything of ours that a row of this engine depends on."""
    found = hashlib.sha256(LAW_VERSION.encode())
    for name, file in sorted(_files(engine, way)):
        found.update(f"\0{name}\0".encode() + meant(file))
    return found.hexdigest()[:16]


def meant(file: Traversable) -> bytes:
    """A file without what changes nothing, which in Python are comments, docstrings and layout."""
    if not file.name.endswith(".py"):
        return file.read_bytes()
    layout, words, before = (NEWLINE, INDENT, DEDENT), [], NEWLINE
    for token in tokenize(BytesIO(file.read_bytes()).readline):
        if token.type in (ENCODING, COMMENT, NL) or (token.type == NEWLINE == before):
            continue
        if token.type == STRING and before in layout:  # a docstring; the end of its line is left out with it
            before = NEWLINE
            continue
        words.append(tok_name[token.type] if token.type in layout else token.string)
        before = token.type
    return "".join(words).encode()  # so an f-string is the same whether it is one token or many


def _files(engine: str, way: str) -> Iterator[tuple[str, Traversable]]:
    if way == AT_REST:
        yield "views.sql", of_engine(engine, "views.sql")
        yield from ((file.name, file) for file in of_engine(engine, "").iterdir() if file.name.endswith(".xz"))
        return
    yield from ((name, of_engine("", name)) for name in SHARED)
    yield from ((file.name, file) for file in of_engine(engine, "").iterdir() if file.name in ("join.js", "drive.py"))


def read_board() -> list[Row]:
    """The rows that are kept, in the order of their keys."""
    return msgspec.json.decode(LOCK.read_bytes(), type=list[Row]) if LOCK.exists() else []


def newest(rows: Iterable[Row]) -> list[Row]:
    """The rows of the versions that the profiles name."""
    return [row for row in rows if row.version == version_of(row.engine)]


def version_of(engine: str) -> str:
    """The version that the profile of an engine names."""
    return profile_of(engine).packages[0].partition("==")[2]


def with_new(rows: Iterable[Row], new: Iterable[Row]) -> list[Row]:
    """The rows, with new ones in place of those of the same engine, way and version."""
    return [row for _, row in sorted({row.key: row for row in (*rows, *new)}.items())]


def keep_board(rows: Iterable[Row]) -> None:
    LOCK.write_text(
        json.dumps([msgspec.to_builtins(row) for row in rows], indent=1, ensure_ascii=False) + "\n", "utf-8"
    )

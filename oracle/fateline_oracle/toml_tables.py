"""Tables that lie as TOML beside the code that loops over them, decoded strictly.

Not here: files that a user gives, which have messages of their own (`ports/profile.py`).
"""

from collections import Counter
from collections.abc import Iterable
from importlib.resources import files
from typing import TypeVar

import msgspec

Table = TypeVar("Table")


class BadTable(ValueError):
    """What is wrong with a table of ours, and in which file."""


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of a table: every key has its type, none is unknown, and none is missing that has no default."""


def read_table(package: str | None, name: str, kind: type[Table]) -> Table:
    """The table in a file of a package."""
    return decoded(files(package or "").joinpath(name).read_text(encoding="utf-8"), name, kind)


def decoded(text: str, name: str, kind: type[Table]) -> Table:
    """The same from a text. `name` is for messages."""
    try:
        return msgspec.toml.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise BadTable(f"{name}: {error}") from error


def each_once(names: Iterable[str], where: str) -> None:
    """Refuse a table that gives two entries the same name."""
    if twice := [name for name, times in Counter(names).items() if times > 1]:
        raise BadTable(f"{where}: given twice: {', '.join(twice)}")

"""Which files a run uses, and for what, so that nothing is written into a file that has another use.

Two names are one file if they lead to the same place, through links of either kind. SQLite keeps files of its own beside a
database, so their names are taken with it. Not here: locks against other processes (`locks.py`).
"""

import os
from pathlib import Path
from typing import Final

_COMPANIONS: Final = ("-wal", "-shm", "-journal")
"""What SQLite adds to the name of a database. The content of a file is not asked: it may not exist yet."""


class FilesInUse:
    """The files that were added, each with its use in words."""

    def __init__(self) -> None:
        self._uses: list[tuple[str, str]] = []

    def add(self, path: Path, use: str) -> str | None:
        """Note the use of a file, and give the use that it has already."""
        name = os.path.realpath(path)  # a loop of links is a name like any other
        other = next((use for taken, use in self._uses if _collide(name, taken)), None)
        self._uses.append((name, use))
        return other


def _collide(one: str, other: str) -> bool:
    return _same(one, other) or any(_same(one, other + suffix) or _same(other, one + suffix) for suffix in _COMPANIONS)


def _same(one: str, other: str) -> bool:
    try:
        return one == other or os.path.samefile(one, other)
    except OSError:  # one of them does not exist
        return False

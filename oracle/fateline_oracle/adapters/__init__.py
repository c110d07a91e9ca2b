"""Other people's engines: how each is read at rest and driven, what it promises, and databases that it wrote.

A folder for each engine:

    profile.toml   its packages, its choices with the sentences of its documentation, and what cannot be asked of it
    views.sql      its database, or its JSON lines, as the relations of the trail: SQL alone
    record.py      makes databases by running it
    cases.toml     what `record.py` made, in files `*.xz`: what each is, and the laws that it breaks
    drive.py       drives a join of it over the protocol
    mended.toml    issues in its tracker that were mended; `mended.py` writes a trail of one

Files of an engine translate and decide nothing. `record.py`, `drive.py` and `mended.py` run in the environment of the engine.
They import the standard library, the engine, and `recording.py`, `wire.py` or `trail.py` of this folder, so this file imports
nothing else either. Not here: auditing (`audit`).
"""

import lzma
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

_HERE: Final = files(__package__)
ENGINES: Final = tuple(sorted(folder.name for folder in _HERE.iterdir() if folder.joinpath("profile.toml").is_file()))
"""The engines that there is a folder for."""


def of_engine(engine: str, name: str) -> Traversable:
    """A file of an engine, which may not exist."""
    return _HERE.joinpath(engine, name)


@contextmanager
def unpacked(packed: Traversable) -> Iterator[Path]:
    """A compressed database, unpacked while a block runs."""
    with tempfile.TemporaryDirectory(prefix="fateline-found-") as folder:
        path = Path(folder) / packed.name.removesuffix(".xz")
        path.write_bytes(lzma.decompress(packed.read_bytes()))
        yield path

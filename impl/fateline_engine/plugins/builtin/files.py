"""Lines appended to a file that can be cut back: what the csv and jsonl sinks share.

A position is a number of bytes. Only whole lines are written, so a cut at an earlier position leaves whole lines. Not here:
a format.
"""

import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from fateline_engine.locks import InUse, Lock, hold, let_go
from fateline_engine.plugins.options import IfExists
from fateline_engine.plugins.protocols import PluginUnavailable

_LISTED: Final = 20


class Closable(Protocol):
    def close(self) -> None: ...


@contextmanager
def blaming(path: Path, what: str) -> Iterator[None]:
    """Turn an error of the operating system into one that names the file and what was tried."""
    try:
        yield
    except OSError as error:
        raise PluginUnavailable(f"{path} cannot be {what}: {error.strerror or error}") from error


@contextmanager
def closing_on_failure(thing: Closable) -> Iterator[None]:
    """An `open` that fails leaves nothing open."""
    try:
        yield
    except BaseException:
        thing.close()
        raise


def regular(path: Path) -> None:
    """`PluginUnavailable` for a pipe or a device: it could not be read twice, and might never end."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise PluginUnavailable(f"{path} is not a regular file, so a resumed run could not read it again")


def alone(path: Path) -> Lock:
    """Keep other processes from writing the same file until the lock is let go."""
    try:
        return hold(path)
    except InUse as error:
        raise PluginUnavailable(f"{error}; two runs cannot share a sink") from error


def listed(names: Sequence[str]) -> str:
    """Names in a message; of many, the first."""
    more = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more


class LineFile:
    """A file that grows by whole lines."""

    def __init__(self, path: Path, if_exists: IfExists) -> None:
        self.path = path
        self._if_exists = if_exists
        self._stream: BinaryIO | None = None
        self._lock: Lock | None = None
        self._position = 0
        self._new = False

    @property
    def _file(self) -> BinaryIO:
        if self._stream is None:
            raise RuntimeError(f"the sink of {self.path} is not open")
        return self._stream

    def open(self, *, resume: bool) -> None:
        with closing_on_failure(self), blaming(self.path, "opened for writing"):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = alone(self.path)
            exists = not self._lock.made
            if exists and not resume and self._if_exists is IfExists.FAIL:
                raise PluginUnavailable(f"{self.path} exists already: move it, or say if_exists: replace or append")
            keep = exists and (resume or self._if_exists is IfExists.APPEND)
            self._stream = self.path.open("r+b" if keep else "wb")
            self._new = not exists
            self._position = self._stream.seek(0, os.SEEK_END)

    def write(self, data: bytes) -> None:
        with blaming(self.path, "written"):
            self._file.write(data)
        self._position += len(data)

    def flush(self) -> None:
        with blaming(self.path, "flushed to the disk"):
            self._file.flush()
            os.fsync(self._file.fileno())
            if self._new:  # its name is as new as its bytes, and lies in the folder
                folder = os.open(self.path.parent, os.O_RDONLY)
                try:
                    os.fsync(folder)
                finally:
                    os.close(folder)
                self._new = False

    def position(self) -> int:
        return self._position

    def truncate(self, position: int) -> None:
        with blaming(self.path, "cut back"):
            self._file.flush()
            size = self._file.seek(0, os.SEEK_END)
            if size < position:
                message = f"{self.path} has {size} bytes, and {position} were confirmed: restore it from a copy"
                raise PluginUnavailable(message)
            self._file.truncate(position)
            self._position = self._file.seek(position)
        self.flush()

    def first_lines(self) -> Generator[str]:
        """The lines that were written, from the first on. An end of line within quotes is left to the reader."""
        with blaming(self.path, "read"):
            self._file.flush()
            with self.path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
                yield from stream

    def close(self) -> None:
        if self._stream is not None:
            stream, self._stream = self._stream, None
            with suppress(OSError):  # what was not flushed was never confirmed, and may be lost
                stream.close()
        lock, self._lock = self._lock, None
        let_go(lock)

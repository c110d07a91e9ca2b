"""One writer at a time: an advisory lock on a file, which ends with the process that holds it.

`hold` and `let_go` are used for the landscape and for the files of sinks. After a kill nothing has to be cleaned up. A file may
be deleted only by the process that made it, and only while it holds the lock: `Lock.made` says which process that is. Not
here: protection against programs that do not ask for the lock, or that run on another machine with a network file system.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class InUse(Exception):
    """Another process holds the file."""


class Lock(NamedTuple):
    """A file that is held."""

    handle: int | None
    """`None` on a system without advisory locks."""
    made: bool
    """Whether the file did not exist, and was made to be held."""


def hold(path: str | Path) -> Lock:
    """Keep other processes out until `let_go`; the file is made if it does not exist.

    `InUse` if another process holds it, `OSError` if it cannot be opened or is no regular file.
    """
    while True:
        handle, made = _opened(path)
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise OSError(None, "not a regular file")
            if not _locked(handle, path):
                os.close(handle)
                return Lock(None, made)
            if _is_at(handle, path):
                return Lock(handle, made)
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # its holder deleted it before we had the lock: what is there now is another file


def _opened(path: str | Path) -> tuple[int, bool]:
    """A descriptor of the file, and whether this call made the file. Of two processes, one makes it."""
    flags = os.O_RDWR | getattr(os, "O_NONBLOCK", 0)  # without the flag, opening a FIFO could wait for ever
    while True:
        with suppress(FileNotFoundError):
            return os.open(path, flags), False
        with suppress(FileExistsError):
            return os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o644), True
        if Path(path).is_symlink():  # to a file that does not exist; O_EXCL does not follow it
            return os.open(path, flags | os.O_CREAT, 0o644), False


def _locked(handle: int, path: str | Path) -> bool:
    """Take the lock; false on a system without advisory locks."""
    try:
        import fcntl
    except ImportError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise InUse(f"{path}: another process is writing it") from error
    return True


def _is_at(handle: int, path: str | Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def let_go(lock: Lock | None) -> None:
    """Release the lock."""
    if lock is not None and lock.handle is not None:
        os.close(lock.handle)

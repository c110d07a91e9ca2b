"""One writer at a time: an advisory lock on a file, which dies with the process that holds it.

What it is: ``hold`` and ``let_go``, for the landscape and for what sinks write. Nothing has to be cleaned up after a kill.

What it is not: a guard against programs that ask nobody, or against another machine on a network file system.
"""

import os
from pathlib import Path


class InUse(Exception):
    """Somebody else holds the file."""


def hold(path: str | Path) -> int | None:
    """Keep others out for as long as the descriptor is open; the file is made if there is none.

    ``InUse`` if somebody holds it, ``OSError`` if it cannot be opened. None on a system without advisory locks.
    """
    try:
        import fcntl
    except ImportError:
        return None
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise InUse(f"{path}: another process is writing it") from error
    return handle


def let_go(lock: int | None) -> None:
    """Let others in."""
    if lock is not None:
        os.close(lock)

"""One writer at a time: an advisory lock on a file, which ends with the process that holds it.

`hold` and `let_go` are used for the landscape and for the files of sinks. After a kill nothing has to be cleaned up. Not
here: protection against programs that do not ask for the lock, or that run on another machine with a network file system.
"""

import os
from pathlib import Path


class InUse(Exception):
    """Another process holds the file."""


def hold(path: str | Path) -> int | None:
    """Keep other processes out while the descriptor is open; the file is made if it does not exist.

    `InUse` if another process holds it, `OSError` if it cannot be opened. `None` on a system without advisory locks.
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
    """Release the lock."""
    if lock is not None:
        os.close(lock)

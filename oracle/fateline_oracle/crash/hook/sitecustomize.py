"""Counts the commits of a Python process to one SQLite database from outside its code, and kills the process at one of them.

Python imports a module of this name at its start if its folder is on the path. Only for processes that `any_process.py`
starts: FATELINE_COMMITS names the database, FATELINE_COUNT a file that gets one byte for each commit, FATELINE_KILL_AT the
commit before which the process group is killed. The standard library only.
"""

import os
import signal
import sqlite3
import threading
from collections.abc import Callable

_WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE", "CREATE", "DROP", "ALTER")
_lock = threading.Lock()
_count = 0


def _at_commit() -> None:
    global _count
    with _lock:
        _count += 1
        with open(os.environ["FATELINE_COUNT"], "ab", buffering=0) as counted:
            counted.write(b".")
        if _count == int(os.environ.get("FATELINE_KILL_AT", "0")):
            os.killpg(0, signal.SIGKILL)


def _is_ours(database: object) -> bool:
    name = os.fsdecode(database) if isinstance(database, (str, bytes, os.PathLike)) else ""
    name = name.removeprefix("file:").partition("?")[0]
    return os.path.realpath(name) == os.path.realpath(os.environ["FATELINE_COMMITS"])


def _hooked(connect: Callable[..., sqlite3.Connection]) -> Callable[..., sqlite3.Connection]:
    def opened(database: object, *args: object, **options: object) -> sqlite3.Connection:
        connection = connect(database, *args, **options)
        if _is_ours(database):

            def traced(statement: str) -> None:
                word = statement.lstrip().split(" ", 1)[0].rstrip(";").upper()
                if word in ("COMMIT", "END") or (word in _WRITES and not connection.in_transaction):
                    _at_commit()

            connection.set_trace_callback(traced)
        return connection

    return opened


if "FATELINE_COMMITS" in os.environ:
    sqlite3.connect = sqlite3.dbapi2.connect = _hooked(sqlite3.connect)  # type: ignore[assignment]  # it is overloaded

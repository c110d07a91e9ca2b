"""Makes databases by running an engine, one for each case. Runs in the environment of the engine: standard library only.

    python record.py FOLDER [CASE ...]

A case is a function that runs the engine in an empty folder and returns the database that it wrote. What it needs to be cut
off is run in a child: the same script is called again and killed. Not here: the cases (`<engine>/record.py`).
"""

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

Case = Callable[[Path], Path]
PATIENCE: Final = 100
"""How many tenths of a second what a child has started may take to end."""
_CHILD: Final = "--child"


def record(cases: Mapping[str, Case], child: Callable[[Path, list[str]], None]) -> None:
    """The whole of a script: make the cases that are asked for, or run the child."""
    words = sys.argv[1:]
    if words[0] == _CHILD:
        child(Path(words[1]), words[2:])
        return
    into = Path(words[0]).resolve()
    into.mkdir(parents=True, exist_ok=True)
    for name in words[1:] or cases:
        with tempfile.TemporaryDirectory(prefix="fateline-record-") as folder:
            made = cases[name](Path(folder))
            _at_rest(made)
            (into / f"{name}.db").write_bytes(made.read_bytes())
            print(name, flush=True)


def in_child(folder: Path, *words: str) -> int:
    """Run the child with these words, and return how it ended; -9 if it was killed. What it has started ends too."""
    child = subprocess.Popen([sys.executable, sys.argv[0], _CHILD, str(folder), *words], start_new_session=True)
    ended = child.wait()
    for how in (signal.SIGTERM, signal.SIGKILL):
        for _ in range(PATIENCE):
            try:
                os.killpg(child.pid, how)
            except ProcessLookupError:
                return ended
            time.sleep(0.1)
    return ended


def die() -> None:
    """The process ends at once, as by a loss of power: nothing is flushed and no handler runs."""
    os.kill(os.getpid(), signal.SIGKILL)


def change(path: Path, *statements: str) -> Path:
    """Change a database by statements, each of which must find something."""
    with closing(sqlite3.connect(path)) as conn:
        for statement in statements:
            if conn.execute(statement).rowcount == 0:
                raise SystemExit(f"changes nothing: {statement}")
        conn.commit()
    return path


def _at_rest(path: Path) -> None:
    """What its log holds goes into the database, and free pages go."""
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("PRAGMA journal_mode = DELETE")
        conn.execute("VACUUM")

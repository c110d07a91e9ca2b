"""Opens a database for reading and leaves nothing beside it.

To read a database with a write-ahead log, SQLite makes two files beside it (`-wal`, `-shm`), and a connection that cannot write
leaves them there. So if nobody has made them yet, the file is opened for writing and SQLite is told to refuse every write: then
it takes the two away when the connection is closed. Not here: what may be asked of the connection.
"""

import os
import sqlite3
from pathlib import Path
from typing import Any

_BESIDE = ("-wal", "-shm", "-journal")


def connect_for_reading(path: Path, **more: Any) -> sqlite3.Connection:
    """A connection that changes nothing. `OSError` if the file cannot be opened."""
    with path.open("rb") as file:
        logged = file.read(20)[18:20] == b"\x02\x02"
    alone = not any(Path(f"{path}{ending}").exists() for ending in _BESIDE)
    writable = os.access(path, os.W_OK) and os.access(path.resolve().parent, os.W_OK)
    mode = "rw" if logged and alone and writable else "ro"
    conn: sqlite3.Connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, **more)
    conn.execute("PRAGMA query_only = ON")
    return conn

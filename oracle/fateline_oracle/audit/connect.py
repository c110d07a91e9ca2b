"""Opens a database read-only: nothing is written to it or into its folder, and the size of a value is bounded.

Not here: what is in it (`adapters.py`, `source.py`).
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

MAGIC: Final = b"SQLite format 3\0"
LONGEST: Final = 16 * 1024 * 1024
"""The largest number of bytes in one value or one row."""
NEEDED: Final = (3, 39, 0)
"""The first version of SQLite with IS DISTINCT FROM."""


class BadSource(ValueError):
    """Something cannot be audited; the message says why, and what to do."""


def is_database(path: Path) -> bool:
    """True if a file begins like an SQLite database."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError as error:
        raise BadSource(f"{path}: {error.strerror}") from error


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection. It refuses every statement that is not a read of the database."""
    if sqlite3.sqlite_version_info < NEEDED:
        raise BadSource(f"SQLite {sqlite3.sqlite_version} is too old for the queries; 3.39 or newer is needed")
    with tempfile.TemporaryDirectory(prefix="fateline-audit-") as folder:
        conn = None
        try:
            file, mode = _file_and_mode(path, Path(folder))
            quoted = str(file.resolve()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
            conn = sqlite3.connect(f"file:{quoted}?mode={mode}", uri=True, isolation_level=None, cached_statements=512)
            conn.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
            conn.text_factory = lambda value: value.decode("utf-8", "replace")
            conn.execute("PRAGMA trusted_schema = OFF")
            conn.execute("SELECT count(*) FROM main.sqlite_schema").fetchone()
            conn.set_authorizer(_only_reading)
            yield conn
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_ERROR and "malformed" not in str(error):
                raise  # one of our statements is wrong, not the database
            raise BadSource(f"{path}: cannot be read as a database: {error}") from error
        finally:
            if conn is not None:
                conn.close()


def _file_and_mode(path: Path, folder: Path) -> tuple[Path, str]:
    """The file to open, and its mode. To read a database with a write-ahead log, SQLite would write a file into its folder."""
    wal, shared = Path(f"{path}-wal"), Path(f"{path}-shm")
    if not _uses_wal(path):
        return path, "ro"
    if not wal.exists() or wal.stat().st_size == 0:
        return path, "ro&immutable=1"  # no process writes to it
    if shared.exists():
        return path, "ro"  # a process writes to it, and has already made the file that a reader needs
    for file in (path, wal):  # files left by a writer that was killed
        shutil.copy(file, folder / file.name)
    return folder / path.name, "ro"


def _uses_wal(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(20)[18:20] == b"\x02\x02"


_ALLOWED: Final = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE})
_FORBIDDEN_FUNCTIONS: Final = frozenset({"load_extension", "fts3_tokenizer", "writefile", "readfile", "edit"})
_OURS: Final = frozenset({"temp", "slice", "cross_range"})


def _only_reading(action: int, first: str | None, second: str | None, database: str | None, _: str | None) -> int:
    if action in _ALLOWED:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION:
        return sqlite3.SQLITE_DENY if second in _FORBIDDEN_FUNCTIONS else sqlite3.SQLITE_OK
    if action in (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_SAVEPOINT):
        return sqlite3.SQLITE_OK  # only our own statements: a view cannot contain ATTACH
    if action == sqlite3.SQLITE_PRAGMA:
        return sqlite3.SQLITE_OK if first in ("table_info", "table_xinfo") else sqlite3.SQLITE_DENY
    if (action, first) == (sqlite3.SQLITE_UPDATE, "sqlite_master"):
        return sqlite3.SQLITE_OK  # json_each declares its columns this way; the file stays read-only
    return sqlite3.SQLITE_OK if database in _OURS else sqlite3.SQLITE_DENY

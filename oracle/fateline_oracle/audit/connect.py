"""Opens a database read-only: nothing is written to it or into its folder, and the size of a value is bounded.

Not here: what is in it (`adapters.py`, `source.py`).
"""

import re
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from ..limits import Allowance

MAGIC: Final = b"SQLite format 3\0"
LONGEST: Final = 16 * 1024 * 1024
"""The largest number of bytes in one value or one row."""
NEEDED: Final = (3, 39, 0)
"""The first version of SQLite with IS DISTINCT FROM."""


class BadSource(ValueError):
    """Something cannot be audited; the message says why, and what to do."""


OTHER_FORMATS: Final = {
    b"\x1f\x8b": "compressed by gzip; unpack it first",
    b"\xfd7zXZ": "compressed by xz; unpack it first",
    b"PK\x03\x04": "a zip archive; unpack it first",
    b"PGDMP": "a dump of PostgreSQL; restore it, or export its trail as JSON lines",
    b"PAR1": "one Parquet file; give the folder that --export wrote",
    b"\x00\x00\x00\x00": "a file of zeros, and no database",
}
"""What a file is that is sometimes given instead of a database, by its first bytes."""


def is_database(path: Path) -> bool:
    """True if a file begins like an SQLite database, false if it may be text. Anything else is refused by its name."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise BadSource(
                f"{path}: not a file; give a database, a file of JSON lines, or a folder that --export wrote"
            )
        with path.open("rb") as file:
            head = file.read(len(MAGIC))
    except OSError as error:
        raise BadSource(f"{path}: {error.strerror}") from error
    if not head:
        raise BadSource(f"{path}: an empty file")
    for magic, what in OTHER_FORMATS.items():
        if head.startswith(magic):
            raise BadSource(f"{path}: {what}")
    return head == MAGIC


def is_being_written(path: Path) -> bool:
    """True if a writer has the database open, as far as its files show: a log with content, and the index of that log."""
    wal, shared = Path(f"{path}-wal"), Path(f"{path}-shm")
    return _uses_wal(path) and shared.exists() and wal.exists() and wal.stat().st_size > 0


def fingerprint(path: Path) -> tuple[object, ...]:
    """What changes when a database is written to: its size, its times, its log."""
    found: list[object] = []
    for file in (path, Path(f"{path}-wal")):
        known = file.stat() if file.exists() else None
        found += [known and known.st_size, known and known.st_mtime_ns]
    return tuple(found)


@contextmanager
def snapshot(path: Path) -> Iterator[Path]:
    """A copy of the database as it is at one moment, for one that is written to while it is read."""
    with tempfile.TemporaryDirectory(prefix="fateline-audit-") as folder:
        copy = Path(folder) / path.name
        with (
            closing(sqlite3.connect(f"file:{_in_uri(path)}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
        yield copy


def notes(path: Path) -> list[str]:
    """What a reader of the verdict should know of the file itself."""
    if _uses_wal(path) and not Path(f"{path}-wal").exists():
        return [
            "The header of the database names a write-ahead log, and there is none beside it. That is so after a clean close; "
            "in a copy that was made while the database was in use, the last commits are missing."
        ]
    return []


class TookTooLong(Exception):
    """A statement took longer than it may."""


@contextmanager
def bounded(conn: sqlite3.Connection, patience: float) -> Iterator[None]:
    """Let the statements inside take at most `patience` seconds together. Raises `TookTooLong`."""
    allowed = Allowance(patience)
    conn.set_progress_handler(lambda: not allowed.left(), 100_000)
    try:
        yield
    except sqlite3.OperationalError as error:
        if "interrupted" not in str(error):
            raise
        raise TookTooLong from error
    finally:
        conn.set_progress_handler(None, 0)


def quoted(name: str) -> str:
    """A name as SQL has it, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'


def storable(value: object) -> object:
    """The value as SQLite can store it: an integer of more than 64 bits becomes text, half of a character a question mark."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    return str(value) if isinstance(value, int) and not -(2**63) <= value < 2**63 else value


def made_once(into: Path) -> sqlite3.Connection:
    """A new database, in the one transaction that fills it. Nothing protects it: what made it is still there."""
    conn = sqlite3.connect(into, isolation_level=None)
    conn.execute("PRAGMA journal_mode = OFF")
    conn.execute("PRAGMA synchronous = OFF")
    conn.execute("BEGIN")
    return conn


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection. It refuses every statement that is not a read of the database."""
    if sqlite3.sqlite_version_info < NEEDED:
        raise BadSource(f"SQLite {sqlite3.sqlite_version} is too old for the queries; 3.39 or newer is needed")
    with tempfile.TemporaryDirectory(prefix="fateline-audit-") as folder:
        conn = None
        try:
            file, mode = _file_and_mode(path, Path(folder))
            conn = sqlite3.connect(
                f"file:{_in_uri(file)}?mode={mode}", uri=True, isolation_level=None, cached_statements=512
            )
            conn.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
            conn.text_factory = lambda value: value.decode("utf-8", "replace")
            conn.execute("SELECT count(*) FROM main.sqlite_schema").fetchone()  # parses it, while any index is allowed
            conn.execute("PRAGMA trusted_schema = OFF")
            sqlite3.enable_callback_tracebacks(
                True
            )  # an interrupt in a callback is reported, and not taken for its answer
            conn.set_authorizer(_only_reading)
            yield conn
        except OSError as error:
            raise BadSource(f"{path}: {error.strerror}") from error
        except UnicodeDecodeError as error:  # a message of SQLite that quotes the file
            raise BadSource(f"{path}: cannot be read as a database: its schema is not UTF-8") from error
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_ERROR and not _OF_THE_FILE_ITSELF.search(str(error)):
                raise  # one of our statements is wrong, not the database
            raise BadSource(f"{path}: cannot be read as a database: {error}") from error
        finally:
            if conn is not None:
                conn.close()


def _in_uri(path: Path) -> str:
    return str(path.resolve()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _file_and_mode(path: Path, folder: Path) -> tuple[Path, str]:
    """The file to open, and its mode. To read a database with a write-ahead log, SQLite would write a file into its folder."""
    wal = Path(f"{path}-wal")
    if not _uses_wal(path) or is_being_written(path):
        return path, "ro"  # a process that writes to it has already made the file that a reader needs
    if not wal.exists() or wal.stat().st_size == 0:
        return path, "ro&immutable=1"  # no process writes to it
    for file in (path, wal):  # files left by a writer that was killed
        shutil.copy(file, folder / file.name)
    return folder / path.name, "ro"


def _uses_wal(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(20)[18:20] == b"\x02\x02"


_OF_THE_FILE_ITSELF: Final = re.compile("malformed|unsupported file format")
_ALLOWED: Final = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE})
_FORBIDDEN_FUNCTIONS: Final = frozenset({"load_extension", "fts3_tokenizer", "writefile", "readfile", "edit"})
_OURS: Final = frozenset({"temp", "slice", "cross_range", "other"})
_ABOUT_TABLES: Final = frozenset({"table_info", "table_xinfo"})
_OF_THE_FILE: Final = frozenset({"application_id", "user_version"})
"""Pragmas that may be read; with a value they would be written."""


def _only_reading(action: int, first: str | None, second: str | None, database: str | None, _: str | None) -> int:
    if action in _ALLOWED:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION:
        return sqlite3.SQLITE_DENY if second in _FORBIDDEN_FUNCTIONS else sqlite3.SQLITE_OK
    if action in (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_SAVEPOINT):
        return sqlite3.SQLITE_OK  # only our own statements: a view cannot contain ATTACH
    if action == sqlite3.SQLITE_PRAGMA:
        return (
            sqlite3.SQLITE_OK
            if first in _ABOUT_TABLES or (first in _OF_THE_FILE and second is None)
            else sqlite3.SQLITE_DENY
        )
    if (action, first) == (sqlite3.SQLITE_UPDATE, "sqlite_master"):
        return sqlite3.SQLITE_OK  # json_each declares its columns this way; the file stays read-only
    return sqlite3.SQLITE_OK if database in _OURS else sqlite3.SQLITE_DENY

"""The landscape as a file: created, opened, recognised, and locked for one writer.

`application_id` marks a file as ours, `user_version` gives its schema. A foreign or newer file is refused before anything is
written to it. Not here: the records. `LandscapeRecorder` writes them; the views, `export.py` and `trail_reader.py` read them.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fateline_engine.errors import LandscapeError
from fateline_engine.landscape.chain import Head, head
from fateline_engine.landscape.guards import GUARDS
from fateline_engine.locks import InUse, Lock, hold, let_go
from fateline_engine.read_only import connect_for_reading

if TYPE_CHECKING:
    from fateline_engine.landscape.trail_reader import TrailReader

APPLICATION_ID: Final = 0x46415445  # "FATE"
SCHEMA_VERSION: Final = 2
"""Version 1 had neither the chain of commits nor all guards. It can be read, and is not written any more."""
MEMORY: Final = ":memory:"


def schema_text(name: str) -> str:
    return files("fateline_engine.landscape").joinpath(name).read_text(encoding="utf-8")


class Landscape:
    """An open landscape. Every statement of the engine goes through `conn`.

    `bare` is SQLite's own connection. `conn` is the same object, unless `watch` has put a wrapper around it.
    """

    def __init__(self, conn: sqlite3.Connection, path: str, lock: Lock | None) -> None:
        self.bare = self.conn = conn
        self.path = path
        self._lock = lock
        self._trail: TrailReader | None = None

    @classmethod
    def open(cls, path: str | Path, *, must_exist: bool = False) -> "Landscape":
        """Open `path` for writing, and make it if there is nothing. Another writer is refused."""
        name = str(path)
        lock = None
        if name != MEMORY:
            if must_exist and not Path(name).exists():
                raise LandscapeError(f"{name}: no such file")
            lock = _hold(name)
        try:
            conn = _connect(name)
            try:
                _prepare(conn, name)
            except BaseException:
                conn.close()
                raise
        except BaseException:
            if lock is not None and lock.made:  # nobody else has it, and no run can have begun
                Path(name).unlink(missing_ok=True)
            let_go(lock)
            raise
        return cls(conn, name, lock)

    @classmethod
    def read(cls, path: str | Path) -> "Landscape":
        """Open an existing landscape for reading only, also while another process writes it."""
        if not Path(path).exists():
            raise LandscapeError(f"{path}: no such file")
        try:
            conn = connect_for_reading(Path(path), isolation_level=None)
        except OSError as error:
            raise LandscapeError(f"{path}: cannot be read: {error.strerror}") from error
        try:
            _recognise(conn, str(path), reads=True)
        except BaseException:
            conn.close()
            raise
        return cls(conn, str(path), None)

    @property
    def trail(self) -> "TrailReader":
        """Reads the records of a run; see `TrailReader`."""
        if self._trail is None:
            from fateline_engine.landscape.trail_reader import TrailReader

            self._trail = TrailReader(self.bare)
        return self._trail

    def watch(self, wrap: Callable[[sqlite3.Connection], Any] | None) -> None:
        """From now on statements go through what `wrap` makes of the bare connection; `None` takes the wrapper off."""
        self.conn = self.bare if wrap is None else wrap(self.bare)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything in the block is committed together, or rolled back if the block raises."""
        self.conn.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.conn.execute("COMMIT")
        except BaseException:
            if self.conn.in_transaction:
                self.conn.execute("ROLLBACK")
            raise

    def has_run(self, run: int) -> bool:
        """Whether there is such a run."""
        return self.conn.execute("SELECT 1 FROM runs WHERE run = ?", (run,)).fetchone() is not None

    def has_token(self, run: int, row: int, token: int) -> bool:
        """Whether the trail has this token."""
        query = "SELECT 1 FROM tokens WHERE run = ? AND row = ? AND token = ?"
        return self.conn.execute(query, (run, row, token)).fetchone() is not None

    def has_merge(self, run: int, row: int, fork: int, edge: int) -> bool:
        """Whether a token was merged from branches of this fork, and put on this edge."""
        query = (
            "SELECT 1 FROM tokens AS m JOIN tokens AS p ON p.run = m.run AND p.row = m.row AND p.token = m.parent"
            " WHERE m.run = ? AND m.row = ? AND m.group_kind = 'join' AND m.edge = ? AND p.fork = ?"
        )
        return self.conn.execute(query, (run, row, edge, fork)).fetchone() is not None

    def fork_of(self, run: int, row: int, token: int) -> int | None:
        """The forked token whose branch this token owed when it was made; `None` if it owed nothing."""
        query = "SELECT fork FROM tokens WHERE run = ? AND row = ? AND token = ?"
        found = self.conn.execute(query, (run, row, token)).fetchone()
        return int(found[0]) if found is not None and found[0] is not None else None

    def row_of(self, run: int, row: int) -> tuple[bytes, str] | None:
        """The data and the contract of a row."""
        query = (
            "SELECT r.data, c.body FROM rows AS r JOIN contracts AS c ON c.run = r.run AND c.contract = r.contract"
            " WHERE r.run = ? AND r.row = ?"
        )
        found: tuple[bytes, str] | None = self.conn.execute(query, (run, row)).fetchone()
        return found

    @property
    def head(self) -> Head:
        """The last commit and its digest, which can be kept elsewhere; see `chain.py`."""
        return head(self.bare)

    def snapshot(self) -> bytes:
        """The whole landscape as bytes; for a landscape in memory."""
        return self.conn.serialize()

    def restore(self, snapshot: bytes) -> None:
        """Become what `snapshot` contains, on a new connection; for a landscape in memory."""
        if self.path != MEMORY:
            raise LandscapeError(f"{self.path}: only a landscape in memory can be restored from a snapshot")
        fresh = _connect(MEMORY)
        fresh.deserialize(snapshot)
        _configure(fresh)
        self.bare.close()
        self.bare = self.conn = fresh
        self._trail = None

    def close(self) -> None:
        self.bare.close()
        let_go(self._lock)
        self._lock = None

    def take_back(self) -> None:
        """Close, and delete the file if opening it has made it and no run was begun in it.

        Another process that waits for the file never sees it without its lock, so nothing of another process is deleted.
        """
        unused = False
        if self._lock is not None and self._lock.made:
            with suppress(sqlite3.Error):  # what cannot be read is kept
                unused = not self.has_run(1)
        self.bare.close()
        if unused:
            with suppress(OSError):
                Path(self.path).unlink()
        self.close()

    def __enter__(self) -> "Landscape":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _connect(name: str) -> sqlite3.Connection:
    return sqlite3.connect(name, isolation_level=None, cached_statements=256)


def _prepare(conn: sqlite3.Connection, name: str) -> None:
    if not _recognise(conn, name):
        _create(conn)
    if name != MEMORY:
        conn.execute("PRAGMA journal_mode = WAL")
    _configure(conn)


def _configure(conn: sqlite3.Connection) -> None:
    conn.execute("PRAGMA synchronous = FULL")  # what was committed survives a power loss too, see specs/durability.md
    conn.execute("PRAGMA foreign_keys = ON")
    conn.execute("PRAGMA cache_size = -16384")


def _recognise(conn: sqlite3.Connection, name: str, *, reads: bool = False) -> bool:
    """Whether the file is a landscape of ours; false if it is empty; an error if it is anything else."""
    try:
        (application,) = conn.execute("PRAGMA application_id").fetchone()
        (version,) = conn.execute("PRAGMA user_version").fetchone()
        (objects,) = conn.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError as error:
        message = "if a process was killed while it wrote, resume the run or begin it again: that repairs the file"
        raise LandscapeError(f"{name}: cannot be read ({error}); {message}") from error
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # the latter of a message that quotes the file
        raise LandscapeError(f"{name}: not a SQLite database ({error}); choose another file") from error
    if application == APPLICATION_ID:
        if version > SCHEMA_VERSION:
            message = f"its schema is {version}, this engine knows up to {SCHEMA_VERSION}; use a newer Fateline"
            raise LandscapeError(f"{name}: {message}")
        if version == SCHEMA_VERSION or (reads and version > 0):
            return True
        if version > 0:
            message = f"its schema is {version}, and this engine writes {SCHEMA_VERSION}; it can only be read"
            raise LandscapeError(f"{name}: {message}: choose another file, or finish the run with the older Fateline")
        raise LandscapeError(f"{name}: its schema {version} was never released; use the file that the engine wrote")
    if objects or application or version:
        raise LandscapeError(f"{name}: a database of another program; nothing was written to it; choose another file")
    return False


def _create(conn: sqlite3.Connection) -> None:
    # SQLite asks the youngest trigger first, and the guard that is listed first is to be named first.
    guards = ";\n".join(guard.trigger() for guard in reversed(GUARDS))
    conn.executescript(
        f"BEGIN IMMEDIATE;\n{schema_text('tables.sql')}\n{guards};\n{schema_text('views.sql')}\n"
        f"PRAGMA application_id = {APPLICATION_ID};\nPRAGMA user_version = {SCHEMA_VERSION};\nCOMMIT;"
    )


def _hold(name: str) -> Lock:
    """Keep other writers out."""
    try:
        return hold(name)
    except InUse as error:
        raise LandscapeError(f"{error}; wait for it, or choose another file") from error
    except OSError as error:
        raise LandscapeError(f"{name}: cannot be opened for writing: {error.strerror or error}") from error

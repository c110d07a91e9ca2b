"""Records every write of the reference engine, with what a kill just before that write would leave behind.

The landscape's connection and the sinks are wrapped. Before each statement, commit, sink write, flush and cut the recorder
notes a boundary, with a digest of what is committed and of the bytes in the files. What a kill leaves is not simulated by an
exception, which the engine's own handlers would see: it is a copy of what was durable at that moment. Not here: the port
(`crash.py`), and who decides where to kill.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, NamedTuple

from fateline_engine.plugins import Row, Sink
from fateline_oracle.ports.port import Boundary, Write

DIGEST: Final = 16
_COUNTER: Final = ((24, 28), (92, 96))
"""Where SQLite keeps the count of changes in the head of a file. A connection that finds another count reads the file again."""
COMMITS: Final = 4096
"""An upper limit of the commits between two kills, so that no count occurs twice."""
JOURNAL: Final = "-journal"


class Leftover(NamedTuple):
    """What a kill leaves: the bytes of the landscape and of each sink file, the writes that led to them, and the time."""

    landscape: bytes
    files: Mapping[Path, bytes]
    log: Any
    at: int


class WriteRecorder:
    """The boundaries of one run, what a kill at each leaves, and the bytes of its files."""

    def __init__(self, landscape: Path, sinks: Iterable[Path], now: Callable[[], int]) -> None:
        self._handle = os.open(landscape, os.O_RDWR)
        self._sinks = tuple(sinks)
        self.now = now
        self.met: list[Boundary] = []
        self.left: dict[str, Leftover] = {}
        self._changes = 0
        self._log = blake2b(digest_size=DIGEST)
        self._committed = self._log.copy()
        self._digest: str | None = None
        self._files: dict[Path, bytes] | None = None
        self._image: bytes | None = None

    def close(self) -> None:
        os.close(self._handle)

    # What the wrappers report

    def before(self, write: Write) -> None:
        """The engine is about to do this."""
        self._meet(write, self._bytes())

    def wrote(self, statement: str, values: object) -> None:
        """A statement was executed, inside a transaction."""
        self._log.update(repr((statement, values)).encode())

    def committed(self) -> None:
        self._committed = self._log.copy()
        self._image = self._digest = None

    def rolled_back(self) -> None:
        self._log = self._committed.copy()

    def sink_changed(self) -> None:
        """A sink may have changed its file."""
        self._files = self._digest = None

    def torn(self, path: Path, before: bytes) -> None:
        """A file has grown: a kill during that could have left half of it."""
        after = self._bytes().get(path, b"")
        if len(after) > len(before) + 1:
            torn = {**self._bytes(), path: after[: (len(before) + len(after)) // 2]}
            self._digest = None
            self._meet(Write.SINK_TORN, torn)
            self._digest = None

    def bytes_of(self, path: Path) -> bytes:
        return self._bytes().get(path, b"")

    def _meet(self, write: Write, files: dict[Path, bytes]) -> None:
        digest = self._digest
        if digest is None:
            state = self._committed.copy()
            for path, data in files.items():
                state.update(f"{path.name} {len(data)} ".encode())
                state.update(b"" if path.name.endswith(JOURNAL) else data)  # each journal has a random number in it
            digest = self._digest = state.hexdigest()
            if digest not in self.left:
                self.left[digest] = Leftover(self._landscape(), files, self._committed.copy(), self.now())
        self.met.append(Boundary(write, digest))

    def leftover(self, at: int) -> Leftover:
        """What a kill would leave now, at this time."""
        return Leftover(self._landscape(), dict(self._bytes()), self._committed.copy(), at)

    def boundaries(self) -> list[Boundary]:
        """The boundaries that were met since the last call."""
        met, self.met = self.met, []
        return met

    def _landscape(self) -> bytes:
        if self._image is None:
            self._image = os.pread(self._handle, 1 << 30, 0)
        return self._image

    def _bytes(self) -> dict[Path, bytes]:
        if self._files is None:
            self._files = {path: path.read_bytes() for path in self._sinks if path.exists()}
        return self._files

    # Going back

    def go_back(self, left: Leftover) -> None:
        """Restore the files. Only SQLite may have them open, outside of a transaction."""
        self._changes += 1
        data = bytearray(left.landscape)
        for start, end in _COUNTER:
            data[start:end] = (self._changes * COMMITS % (1 << 32)).to_bytes(4, "big")
        os.pwrite(self._handle, bytes(data), 0)
        os.ftruncate(self._handle, len(data))
        for path in self._sinks:
            if path in left.files:
                path.write_bytes(left.files[path])
            else:
                path.unlink(missing_ok=True)
        self._log = left.log.copy()
        self._committed = left.log.copy()
        self._image = self._files = self._digest = None

    def forget(self) -> None:
        """Forget the boundaries of the earlier run, because a new run begins."""
        self.met.clear()
        self.left.clear()


@lru_cache(maxsize=256)
def write_of(statement: str) -> Write | None:
    """The kind of write of a statement; None if it writes nothing."""
    word = statement.split(None, 1)[0].upper()
    if word in ("SELECT", "PRAGMA", "EXPLAIN", "ROLLBACK"):
        return None
    if word in ("BEGIN", "SAVEPOINT"):
        return Write.TRANSACTION
    if word in ("COMMIT", "RELEASE"):
        return Write.COMMIT
    return Write.PAYLOAD if "INTO errors" in statement else Write.STATEMENT


class RecordedConnection:
    """A connection that reports each statement before it is executed."""

    def __init__(self, conn: sqlite3.Connection, recorder: WriteRecorder) -> None:
        self._conn = conn
        self._recorder = recorder

    def execute(self, statement: str, values: Any = ()) -> sqlite3.Cursor:
        write = write_of(statement)
        if write is not None:
            self._recorder.before(write)
        cursor = self._conn.execute(statement, values)
        if write is Write.COMMIT:
            self._recorder.committed()
        elif write is not None:
            self._recorder.wrote(statement, values)
            if not self._conn.in_transaction:
                self._recorder.committed()
        elif statement.startswith("ROLLBACK"):
            self._recorder.rolled_back()
        return cursor

    def executemany(self, statement: str, records: Iterable[Any]) -> None:
        """One statement for each record, as SQLite does it."""
        for record in records:
            self.execute(statement, record)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._conn, name)


class RecordedSink:
    """A sink that reports each write, flush and cut before it is done."""

    def __init__(self, sink: Sink, recorder: WriteRecorder, path: Path) -> None:
        self._sink = sink
        self._recorder = recorder
        self.path = path
        self.position = sink.position
        self.close = sink.close

    def _doing(self, write: Write, what: Callable[[], object]) -> None:
        self._recorder.before(write)
        what()
        self._recorder.sink_changed()

    def open(self, *, resume: bool) -> None:
        self._doing(Write.SINK_CUT, lambda: self._sink.open(resume=resume))

    def write(self, row: Row) -> None:
        self._doing(Write.SINK_WRITE, lambda: self._sink.write(row))

    def flush(self) -> None:
        before = self._recorder.bytes_of(self.path)
        self._doing(Write.SINK_FLUSH, self._sink.flush)
        if self.path.suffix != ".db":
            self._recorder.torn(self.path, before)

    def truncate(self, position: int) -> None:
        self._doing(Write.SINK_CUT, lambda: self._sink.truncate(position))

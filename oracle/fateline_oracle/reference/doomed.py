"""The reference engine run for real, from files to files, in a process that is killed or whose disk fails.

A process is forked, opens landscape, source and sinks as `fateline run` does, and takes up what it finds. At the boundary
that is its doom it kills itself with a signal that nobody can catch, or the write that was next fails. Not here: when, and
what is made of what it leaves (`fateline_oracle.crash.kill`).
"""

import errno
import os
import resource
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple

from fateline_engine.errors import EngineError
from fateline_engine.landscape import Landscape
from fateline_engine.landscape.runs import list_runs
from fateline_engine.orchestrator import Orchestrator
from fateline_engine.plugins import PluginUnavailable
from fateline_engine.plugins.registry import bind
from fateline_engine.settings import SinkNode, load_pipeline
from fateline_engine.words import RunStatus
from fateline_oracle.ports.port import Policy, Write
from fateline_oracle.reference.watched import WatchedConnection, WatchedSink

FINISHED: Final = 0
STOPPED: Final = 1
BROKEN: Final = 2
_OF_SINKS: Final = (Write.SINK_WRITE, Write.SINK_FLUSH, Write.SINK_CUT)


class How(StrEnum):
    """What becomes of a process."""

    NOTHING = "nothing"
    KILLED_AT = "killed at a boundary"
    KILLED_AFTER = "killed at random"
    DISK_FULL = "disk full"
    IO_ERROR = "I/O error"
    FILE_LIMIT = "no file may grow"


SAYS: Final = {
    How.DISK_FULL: ("database or disk is full", errno.ENOSPC),
    How.IO_ERROR: ("disk I/O error", errno.EIO),
}


class Doom(NamedTuple):
    """`at` is a number of boundaries, of microseconds, or of bytes."""

    how: How
    at: int = 0


class Ended(NamedTuple):
    """How a process ended: its exit status, or that it was killed; what it would do next; how many boundaries it met."""

    status: int | None
    write: str
    boundaries: int
    seconds: float


class _Ear:
    """Hears the boundaries, and is the doom."""

    def __init__(self, doom: Doom, tell: int) -> None:
        self._doom = doom
        self._tell = tell
        self.met = 0

    def before(self, write: Write) -> None:
        self.met += 1
        how, at = self._doom
        if how in (How.KILLED_AT, How.DISK_FULL, How.IO_ERROR) and self.met == at:
            os.write(self._tell, f"{write} {self.met}\n".encode())
            if how is How.KILLED_AT:
                os.kill(os.getpid(), signal.SIGKILL)
            words, number = SAYS[how]
            if write in _OF_SINKS:
                raise PluginUnavailable(f"the sink cannot be written: {os.strerror(number)}")
            raise sqlite3.OperationalError(words)

    def wrote(self, statement: str, values: object) -> None: ...

    def committed(self) -> None: ...

    def rolled_back(self) -> None: ...

    def sink_changed(self) -> None: ...

    def torn(self, path: Path, before: bytes) -> None: ...

    def bytes_of(self, path: Path) -> bytes:
        return b""


def run(file: Path, policy: Policy, doom: Doom) -> Ended:
    """Run the pipeline of this file, or take it up again, in a process of its own."""
    heard, tell = os.pipe()
    begun = time.perf_counter()
    child = os.fork()
    if child == 0:
        os.close(heard)
        os._exit(_child(file, policy, doom, tell))
    os.close(tell)
    if doom.how is How.KILLED_AFTER:
        time.sleep(doom.at / 1e6)
        os.kill(child, signal.SIGKILL)
    with os.fdopen(heard, "rb") as stream:
        told = stream.read().split(b"\n")
    _, status = os.waitpid(child, 0)
    write, met = told[-2].decode().split() if len(told) > 1 else ("", "0")
    killed = os.WIFSIGNALED(status)
    return Ended(None if killed else os.WEXITSTATUS(status), write, int(met), time.perf_counter() - begun)


def _child(file: Path, policy: Policy, doom: Doom, tell: int) -> int:
    try:
        for stream in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
        ear = _Ear(doom, tell)
        with _limited(doom):
            status = _go(file, policy, ear)
        os.write(tell, f"end {ear.met}\n".encode())
        return status
    except (EngineError, PluginUnavailable, sqlite3.Error, OSError) as error:
        return BROKEN if type(error).__name__ == "EngineBug" else STOPPED
    except BaseException:
        return BROKEN


@contextmanager
def _limited(doom: Doom) -> Iterator[None]:
    """For a while no file may grow beyond so many bytes: a full disk as the system tells of it."""
    if doom.how is How.FILE_LIMIT:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (doom.at, resource.RLIM_INFINITY))
    yield


def _go(file: Path, policy: Policy, ear: _Ear) -> int:
    pipeline = load_pipeline(file)
    plugins = bind(pipeline)
    heard: Any = ear
    with Landscape.open(database_of(file)) as landscape:
        unfinished = [run for run in list_runs(landscape) if run.status is not RunStatus.COMPLETED]
        if list_runs(landscape) and not unfinished:
            return FINISHED
        landscape.watch(lambda conn: WatchedConnection(conn, heard))
        for name, sink in plugins.sinks.items():
            plugins.sinks[name] = WatchedSink(sink, heard, sink.path or Path())
        engine = Orchestrator(pipeline, landscape, plugins=plugins, each_step=policy is Policy.STEP)
        summary = engine.resume() if unfinished else engine.run()
    return FINISHED if summary.finished else STOPPED


# ------------------------------------------------------------------------------------------------- what is there


def database_of(file: Path) -> Path:
    return file.with_suffix(".db")


def mend(file: Path) -> bool:
    """Whether there is a landscape; of one that was being made when the process was killed, SQLite takes back the half."""
    if not database_of(file).exists():
        return False
    with closing(sqlite3.connect(database_of(file))) as conn:
        return bool(conn.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])


def sinks_of(file: Path) -> dict[str, Path]:
    """The files of the pipeline's sinks. Nothing is bound: plugins are imported only where they run."""
    sinks = [node for node in load_pipeline(file).nodes if isinstance(node, SinkNode)]
    return {node.name: file.parent / str(node.options["path"]) for node in sinks}


def outputs(file: Path) -> dict[str, object]:
    """What each sink of the pipeline holds: bytes, or the rows of a database."""
    return {name: _content(path) for name, path in sinks_of(file).items()}


def _content(path: Path) -> object:
    if not path.exists():
        return None
    if path.suffix != ".db":
        return path.read_bytes()
    with closing(sqlite3.connect(path)) as conn:
        return tuple(conn.iterdump())


def effects(file: Path) -> Counter[str]:
    """How many tokens were written to each sink, by the trail of the last run."""
    with Landscape.read(database_of(file)) as landscape:
        query = "SELECT n.name, count(*) FROM fates AS f JOIN nodes AS n ON n.run = f.run AND n.node = f.sink GROUP BY n.name"
        return Counter(dict(landscape.conn.execute(query).fetchall()))


def confirmed_and_gone(file: Path) -> list[str]:
    """Sinks that hold less than was committed, each with what it lacks."""
    sinks = sinks_of(file)
    query = "SELECT n.name, p.position FROM positions AS p JOIN nodes AS n USING (run, node)"
    with Landscape.read(database_of(file)) as landscape:
        confirmed = landscape.conn.execute(query).fetchall()
    lacking = []
    for name, position in confirmed:
        there = _held(sinks[name])
        if there < int(position):
            lacking.append(f"{name} holds {there}, and {position} were confirmed")
    return lacking


def _held(path: Path) -> int:
    if not path.exists():
        return 0
    if path.suffix != ".db":
        return path.stat().st_size
    with closing(sqlite3.connect(path)) as conn:
        tables = [name for (name,) in conn.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return sum(conn.execute(f'SELECT coalesce(max(rowid), 0) FROM "{name}"').fetchone()[0] for name in tables)

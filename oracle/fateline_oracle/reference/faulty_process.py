"""The reference engine run for real, from files to files, in a process that is killed or whose disk fails.

A process is forked, opens landscape, source and sinks as `fateline run` does, and continues whatever it finds. At the
boundary that the fault names, the process kills itself with a signal that nobody can catch, or the write that comes next
fails. Not here: which faults are tried, what is concluded from them (`fateline_oracle.crash.kill`), and the files that
are left (`left_files.py`).
"""

import errno
import os
import resource
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple

from fateline_engine.errors import EngineBug, EngineError
from fateline_engine.landscape import Landscape
from fateline_engine.landscape.runs import list_runs
from fateline_engine.orchestrator import Orchestrator
from fateline_engine.plugins import PluginUnavailable
from fateline_engine.plugins.registry import bind
from fateline_engine.settings import load_pipeline
from fateline_engine.words import RunStatus
from fateline_oracle.ports.port import CommitPolicy, Write
from fateline_oracle.reference.left_files import database_of
from fateline_oracle.reference.write_recorder import RecordedConnection, RecordedSink

FINISHED: Final = 0
STOPPED: Final = 1
BROKEN: Final = 2
_OF_SINKS: Final = (Write.SINK_WRITE, Write.SINK_FLUSH, Write.SINK_CUT)


class FaultKind(StrEnum):
    """What happens to a process."""

    NOTHING = "nothing"
    KILLED_AT = "killed at a boundary"
    KILLED_AFTER = "killed at random"
    RACED = "both of a race killed"
    DISK_FULL = "disk full"
    IO_ERROR = "I/O error"
    FILE_LIMIT = "no file may grow"
    STAYS_FULL = "disk stays full"
    STAYS_BROKEN = "I/O errors stay"


KILLS: Final = (FaultKind.KILLED_AT, FaultKind.KILLED_AFTER, FaultKind.RACED)
STAYS: Final = (FaultKind.STAYS_FULL, FaultKind.STAYS_BROKEN)
"""From the boundary on, every write fails."""


_ERRORS: Final = {
    FaultKind.DISK_FULL: ("database or disk is full", errno.ENOSPC),
    FaultKind.IO_ERROR: ("disk I/O error", errno.EIO),
    FaultKind.STAYS_FULL: ("database or disk is full", errno.ENOSPC),
    FaultKind.STAYS_BROKEN: ("disk I/O error", errno.EIO),
}


class Fault(NamedTuple):
    """`at` is a number of boundaries, of microseconds, or of bytes."""

    kind: FaultKind
    at: int = 0


class Ended(NamedTuple):
    """How a process ended: its exit status, None if it was killed; what it was about to do; how many boundaries it met."""

    status: int | None
    write: str
    boundaries: int
    seconds: float


class _FaultInjector:
    """Counts the boundaries, in place of a `WriteRecorder`, and makes the fault happen at the one that it names."""

    def __init__(self, fault: Fault, pipe: int) -> None:
        self._fault = fault
        self._pipe = pipe
        self.met = 0

    def before(self, write: Write) -> None:
        self.met += 1
        kind, at = self._fault
        if (
            self.met == at
            if kind in (FaultKind.KILLED_AT, FaultKind.DISK_FULL, FaultKind.IO_ERROR)
            else (kind in STAYS and self.met >= at)
        ):
            os.write(self._pipe, f"{write} {self.met}\n".encode())
            if kind is FaultKind.KILLED_AT:
                os.kill(os.getpid(), signal.SIGKILL)
            words, number = _ERRORS[kind]
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


def run(file: Path, policy: CommitPolicy, fault: Fault) -> Ended:
    """Run the pipeline of this file, or resume its run, in a process of its own; a race is two of them at once."""
    reading, writing = os.pipe()
    begun = time.perf_counter()
    children = []
    for _ in range(2 if fault.kind is FaultKind.RACED else 1):
        child = os.fork()
        if child == 0:
            os.close(reading)
            os._exit(_child(file, policy, fault, writing))
        children.append(child)
    os.close(writing)
    if fault.kind in (FaultKind.KILLED_AFTER, FaultKind.RACED):
        time.sleep(fault.at / 1e6)
        for child in children:
            os.kill(child, signal.SIGKILL)
    with os.fdopen(reading, "rb") as stream:
        lines = stream.read().split(b"\n")
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    write, met = lines[-2].decode().split() if len(lines) > 1 else ("", "0")
    status = BROKEN if BROKEN in codes else None if min(codes) < 0 else min(codes)
    return Ended(status, write, int(met), time.perf_counter() - begun)


def _child(file: Path, policy: CommitPolicy, fault: Fault, pipe: int) -> int:
    try:
        for stream in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
        injector = _FaultInjector(fault, pipe)
        with _limited(fault):
            status = _run_or_resume(file, policy, injector)
        os.write(pipe, f"end {injector.met}\n".encode())
        return status
    except EngineBug:
        return BROKEN
    except (EngineError, PluginUnavailable, sqlite3.Error, OSError):
        return STOPPED
    except BaseException:
        return BROKEN


@contextmanager
def _limited(fault: Fault) -> Iterator[None]:
    """No file may grow beyond this many bytes: a full disk as the system reports it."""
    if fault.kind is FaultKind.FILE_LIMIT:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (fault.at, resource.RLIM_INFINITY))
    yield


def _run_or_resume(file: Path, policy: CommitPolicy, injector: _FaultInjector) -> int:
    pipeline = load_pipeline(file)
    plugins = bind(pipeline)
    recorder: Any = injector
    with Landscape.open(database_of(file)) as landscape:
        unfinished = [run for run in list_runs(landscape) if run.status is not RunStatus.COMPLETED]
        if list_runs(landscape) and not unfinished:
            return FINISHED
        landscape.watch(lambda conn: RecordedConnection(conn, recorder))
        for name, sink in plugins.sinks.items():
            plugins.sinks[name] = RecordedSink(sink, recorder, sink.path or Path())
        engine = Orchestrator(pipeline, landscape, plugins=plugins, each_step=policy is CommitPolicy.STEP)
        summary = engine.resume() if unfinished else engine.run()
    return FINISHED if summary.finished else STOPPED

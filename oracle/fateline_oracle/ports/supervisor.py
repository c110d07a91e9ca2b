"""Stands between the judge and an engine's process, so that everything that the engine started ends with it.

A process group is left by whoever calls `setsid`, and a process whose parent has ended becomes a child of `init`. So on Linux
this process becomes a "child subreaper": whatever is orphaned beneath it becomes its own child. When the engine ends, the
judge asks (SIGTERM) or the judge is gone, it kills all that descend from it, until it has no child left, and ends as the engine
did. Elsewhere only the engine's process group is killed.

The judge starts it as `python -I -S supervisor.py STATUS COMMAND ...`; STATUS is a pipe on which the reason is written if
COMMAND cannot be started. It is a script and imports nothing of ours, so that it starts fast. Not here: a sandbox. A process of
the same user can kill this one.
"""

import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36
_LOOK: Final = 1.0
"""Seconds between two looks at whether the judge is still there."""


class Over(BaseException):
    """The judge wants the engine to end, or is gone."""


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _parents() -> dict[int, int]:
    """Each process and its parent; empty where there is no /proc."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found[int(folder.name)] = int((folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
        except (OSError, IndexError):  # it ended while it was looked at
            continue
    return found


def _descendants(of: int) -> set[int]:
    parents = _parents()
    found: set[int] = set()
    while more := {one for one, parent in parents.items() if parent in found | {of}} - found:
        found |= more
    return found


def _end_all(group: int) -> None:
    """Kill until there is no child: an orphan that was made meanwhile is a child too."""
    while True:
        if sys.platform != "linux":
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
        for one in _descendants(os.getpid()):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(one, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _start(status: int, command: list[str]) -> int:
    child = os.fork()
    if child:
        return child
    os.setsid()
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and what is ignored stays so
        signal.signal(number, signal.SIG_DFL)
    os.set_inheritable(status, False)
    try:
        os.execvp(command[0], command)
    except (OSError, ValueError) as error:
        os.write(status, (getattr(error, "strerror", None) or str(error)).encode())
    os._exit(127)


def _end_as(code: int) -> NoReturn:
    if os.WIFSIGNALED(code):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with suppress(OSError):  # the signals that nobody can catch
            signal.signal(os.WTERMSIG(code), signal.SIG_DFL)
        os.kill(os.getpid(), os.WTERMSIG(code))
    os._exit(os.WEXITSTATUS(code))


def main(status: int, command: list[str]) -> None:
    """Run the command to its end, and end as it did."""
    judge, child, code = os.getppid(), 0, int(signal.SIGKILL)

    def asked(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGTERM or os.getppid() != judge:
            raise Over

    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    try:
        signal.signal(signal.SIGTERM, asked)
        signal.signal(signal.SIGALRM, asked)
        child = _start(status, command)
        signal.setitimer(signal.ITIMER_REAL, _LOOK, _LOOK)
        for number in (0, 1, 2, status):
            os.close(number)
        ended = 0
        while ended != child:
            ended, code = os.waitpid(-1, 0)
    except Over:
        pass
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    _end_all(child)
    _end_as(code)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])

"""The first instructions of a command line, so that a signal finds a handler before anything else is imported.

A request to terminate (SIGTERM) acts like Ctrl-C: whatever the command does is undone or recorded, and the exit status is one
that the command documents. Once the command has ended both signals are held back, so that the end of the interpreter does not
change the exit status. What comes before the first line here, the start of the interpreter, ends by the signal itself.

Python drops an exception that comes up while something is deleted, or in a callback of SQLite, which reports it if
`enable_callback_tracebacks` is set. An interrupt that was dropped is sent again a moment later. Until then `is_pending` says
that an error may be its consequence and no answer.

Not here: what a command does when it is interrupted (`group.py`, and `fateline_engine.cli.run`).
"""

import atexit
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from importlib import import_module
from types import FrameType
from typing import Final, NoReturn

INTERRUPTED: Final = 2
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
AT_ONCE: Final = 5.0
"""Signals within so many seconds count as one, so that the second does not interrupt what the first one has to tidy up."""

_MOMENT: Final = 0.001
"""Seconds until an interrupt that was dropped is sent again."""

_last = -AT_ONCE
_dropped = False
_status: int | None = None
"""The exit status, if a signal came."""


def interrupt(number: int, frame: FrameType | None) -> None:
    """The handler."""
    global _last
    before, _last = _last, time.monotonic()
    if _last - before <= AT_ONCE:
        return
    while frame is not None:
        if frame.f_code is _on_dropped.__code__:  # what is raised in there is dropped too
            _send_again()
            return
        frame = frame.f_back
    raise KeyboardInterrupt


def is_pending() -> bool:
    """Whether an interrupt was dropped and is on its way again."""
    return _dropped


def _on_dropped(what: "sys.UnraisableHookArgs") -> None:
    if issubclass(what.exc_type, KeyboardInterrupt):
        _send_again()
    else:
        sys.__unraisablehook__(what)


def _send_again() -> None:
    global _last, _dropped
    _last, _dropped = -AT_ONCE, True
    again = threading.Timer(_MOMENT, os.kill, (os.getpid(), signal.SIGTERM))
    again.daemon = True
    again.start()


def _hold_back() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    for number in SIGNALS:  # in other threads too
        signal.signal(number, signal.SIG_IGN)


def _leave() -> None:
    """Runs last of all that is registered. An interrupt within `exec` leaves a mark with which CPython, at the very end, exits
    with 130, although the interrupt was handled."""
    if _status is not None:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(_status)


def start(target: str, program: str) -> NoReturn:
    """Import the command line `module:function`, run it under this name, and leave with its exit status."""
    global _status
    status = INTERRUPTED
    try:
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as for a job in the background
                signal.signal(number, interrupt)
        atexit.register(_leave)
        sys.unraisablehook = _on_dropped
        module, _, function = target.partition(":")
        try:
            getattr(import_module(module), function)(prog_name=program)
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else INTERRUPTED
        finally:
            _hold_back()
    except KeyboardInterrupt:
        _hold_back()
        sys.stderr.write("Interrupted: nothing was decided.\n")
        status = INTERRUPTED
    if _last > 0:
        _status = status
    sys.exit(status)

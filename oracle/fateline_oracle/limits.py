"""Sets how long the judge waits: for an answer of an engine, and for one query on a database.

A limit is on silence, not on work, and a busy machine must not change a verdict. So when a limit has passed, the speed
of the machine is measured first: a fixed piece of work is timed, and on a machine that takes six times as long as a
free one the limit is six times as long. Each sign of life starts the limit again. A caller that waits for an engine
tries once more before it concludes that the engine is silent (`conform/campaign.py`).

The limit for engines is `--timeout` of the commands that drive one. Not here: what silence means for a verdict.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

SILENCE: Final = 30.0
"""Seconds that an engine may take for one answer on a free machine, by default."""

IN_ALL: Final = 20
"""The total time is limited to this many times the limit, even with signs of life."""

_WORK: Final = 200_000
_FREE: Final = 0.025
"""Seconds that `_WORK` takes on a free machine of the slower kind."""
_MOST: Final = 50.0
"""The largest slowness that is accepted."""

_silence = SILENCE


def allow_silence(seconds: float) -> None:
    """Set the limit for this process and for processes that it forks."""
    global _silence
    _silence = seconds


@contextmanager
def shorter_silence(seconds: float) -> Iterator[None]:
    """Wait at most so many seconds while the block runs."""
    before = _silence
    allow_silence(min(seconds, before))
    try:
        yield
    finally:
        allow_silence(before)


def silence() -> float:
    """The limit in force, in seconds on a free machine."""
    return _silence


def slowness(clock: Callable[[], float] = time.monotonic) -> float:
    """How many times as long as on a free machine work takes now; at least 1."""
    begun = clock()
    total = 0
    for number in range(_WORK):
        total += number * number % 7
    return min(max((clock() - begun) / _FREE, 1.0), _MOST)


class Allowance:
    """A time that may pass without a sign of life, and twenty times as much in total."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._begun = self._last = clock()

    def renew(self) -> None:
        """Note a sign of life: silence is measured from now on."""
        self._last = self._clock()

    def left(self) -> float:
        """The seconds left. 0 once the time has passed, also after allowing for a slow machine."""
        now = self._clock()
        silent, in_all = now - self._last, now - self._begun
        left = min(self.seconds - silent, IN_ALL * self.seconds - in_all)
        if left > 0:
            return left
        slow = slowness()
        return max(0.0, min(self.seconds * slow - silent, IN_ALL * self.seconds * slow - in_all))


_running: Allowance | None = None


def alive() -> None:
    """Note a sign of life from code that runs under `limited`."""
    if _running is not None:
        _running.renew()


@contextmanager
def limited(seconds: float, late: Callable[[], BaseException]) -> Iterator[None]:
    """End a block that is silent for too long. Only the main thread of a process can be interrupted; other threads have no
    limit."""
    global _running
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    allowance = Allowance(seconds)

    def on_alarm(number: int, frame: FrameType | None) -> None:
        left = allowance.left()
        if left <= 0:
            raise late()
        signal.setitimer(signal.ITIMER_REAL, left)

    before, outer = signal.signal(signal.SIGALRM, on_alarm), _running
    _running = allowance
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        _running = outer

"""Time as the engine knows it: whole milliseconds, read from one object that is passed around.

The `Clock` protocol, the wall clock, and a clock for tests and scripts that moves only when it is moved. Not here: a timer.
Nothing waits; deadlines are compared with `now()` when the engine looks at the clock.
"""

import time
from typing import Protocol


class Clock(Protocol):
    """Anything that gives the time."""

    def now(self) -> int:
        """Milliseconds since the epoch, never less than the last value."""
        ...


class SystemClock:
    """The wall clock, except that it stands still while the system's time is set back."""

    def __init__(self) -> None:
        self._last = 0

    def now(self) -> int:
        self._last = max(self._last, time.time_ns() // 1_000_000)
        return self._last


class ManualClock:
    """A clock that moves only when it is moved."""

    def __init__(self, start: int = 0) -> None:
        self._now = start

    def now(self) -> int:
        return self._now

    def advance(self, milliseconds: int) -> int:
        """Move forwards, and return the new time."""
        return self.set(self._now + milliseconds)

    def set(self, moment: int) -> int:
        """Move to `moment`. Time does not run backwards."""
        if moment < self._now:
            raise ValueError(f"a clock at {self._now} cannot be set back to {moment}")
        self._now = moment
        return moment

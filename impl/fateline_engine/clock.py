"""Time, as the engine knows it: whole milliseconds from one object that is handed around.

What it is: the ``Clock`` protocol, the wall clock, and a clock for tests and scripts that moves only when told.

What it is not: a timer. Nothing here waits; deadlines are compared with ``now()`` when the engine looks.
"""

import time
from typing import Protocol


class Clock(Protocol):
    """Anything that tells the time."""

    def now(self) -> int:
        """Milliseconds since the epoch. Never less than what it said before."""
        ...


class SystemClock:
    """The wall clock, except that it stands still while the system's time is set back."""

    def __init__(self) -> None:
        self._last = 0

    def now(self) -> int:
        self._last = max(self._last, time.time_ns() // 1_000_000)
        return self._last


class ManualClock:
    """A clock that is moved by hand."""

    def __init__(self, start: int = 0) -> None:
        self._now = start

    def now(self) -> int:
        return self._now

    def advance(self, milliseconds: int) -> int:
        """Move on, and tell the new time."""
        return self.set(self._now + milliseconds)

    def set(self, moment: int) -> int:
        """Move to ``moment``. Time does not run backwards."""
        if moment < self._now:
            raise ValueError(f"a clock at {self._now} cannot be set back to {moment}")
        self._now = moment
        return moment

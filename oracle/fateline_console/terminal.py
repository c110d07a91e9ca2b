"""Helpers for text on a terminal: colour, aligned tables, one line of progress.

A terminal gets colour and a moving line of progress; a pipe or a file gets plain text and a line of progress now and then.

Not here: a report format, and anything about laws or verdicts.
"""

import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Self, TextIO

import click

_ERASE_LINE: Final = "\r\x1b[2K"
PIPE_EVERY: Final = 30.0
"""Seconds between two lines of progress if standard error is not a terminal."""


def is_terminal(stream: TextIO) -> bool:
    """True if `stream` is a terminal that understands control sequences."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def wants_colour(stream: TextIO) -> bool:
    """True if text on `stream` should be coloured. A non-empty `NO_COLOR` switches colour off."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


def paint(text: str, colour: str | None = None, *, bold: bool = False, stream: TextIO | None = None) -> str:
    """`text` in one of click's colours if `stream` (by default standard output) wants it."""
    if not wants_colour(stream or sys.stdout):
        return text
    return click.style(text, fg=colour, bold=bold or None)


def table(rows: Sequence[Sequence[object]], headers: Sequence[str]) -> str:
    """Lines of aligned columns under `headers`: numbers to the right, all else to the left.

    Colour in a cell does not count towards its width. `None` shows as an empty cell.
    """
    cells = [["" if value is None else str(value) for value in row] for row in rows]
    columns = list(zip(headers, *cells, strict=True))
    widths = [max(len(click.unstyle(cell)) for cell in column) for column in columns]
    numeric = [
        bool(rows) and all(value is None or _is_number(value) for value in column) for column in zip(*rows, strict=True)
    ] or [False] * len(headers)

    def line(row: Sequence[str]) -> str:
        padded = []
        for cell, width, right in zip(row, widths, numeric, strict=True):
            gap = " " * (width - len(click.unstyle(cell)))
            padded.append(gap + cell if right else cell + gap)
        return "  ".join(padded).rstrip()

    return "\n".join([line(headers), line(["-" * width for width in widths]), *map(line, cells)])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


STEERING: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
"""Characters that steer a terminal, turn the direction of writing, or cannot be encoded."""


def harmless(text: str) -> str:
    """Text from outside as it may be printed: without characters that steer a terminal, turn the direction of writing, or
    cannot be encoded. Each is shown as its escape."""
    return STEERING.sub(lambda found: found[0].encode("unicode_escape", "surrogatepass").decode("ascii"), text)


LINE: Final = 2_000
"""The largest number of characters in a line of an error."""


def _shortened(line: str) -> str:
    """A line of which only the beginning and the end are shown if it is long: it may quote its input."""
    return line if len(line) <= LINE else f"{line[: LINE - 400]} … {line[-300:]}"


_OUR_COLOURS: Final = re.compile("(\x1b\\[(?:0|1|3[0-7])m)")


def say(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print text for a person that may contain text from outside: as `harmless`, but with the colours of `paint`. Lines of
    messages are shortened."""
    coloured = wants_colour(sys.stderr if err else sys.stdout)
    parts = _OUR_COLOURS.split(text) if coloured else [text]
    shown = "".join(part if place % 2 else harmless(part) for place, part in enumerate(parts))
    click.echo("\n".join(map(_shortened, shown.split("\n"))) if err else shown, err=err, nl=nl)


class Progress:
    """One line on standard error that is overwritten as work goes on, and removed when it ends.

    Where standard error is not a terminal, a line is printed every half minute instead, so that the log of a long job shows
    its progress. Use it as a context manager::

        with Progress() as progress:
            for done, item in enumerate(items):
                progress.update(f"{done} of {len(items)}")
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        every: float = 0.1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream or sys.stderr
        self._live = is_terminal(self._stream)
        self._every = every
        self._clock = clock
        self._shown_at: float | None = None
        self._printed_at = clock()

    def update(self, text: str) -> None:
        """Replace the line by `text`, unless it changed less than `every` seconds ago."""
        now = self._clock()
        if not self._live:
            if now - self._printed_at >= PIPE_EVERY:
                self._printed_at = now
                self._stream.write(f"... {harmless(' '.join(text.split()))}\n")
                self._stream.flush()
            return
        if self._shown_at is not None and now - self._shown_at < self._every:
            return
        self._shown_at = now
        room = max(shutil.get_terminal_size().columns - 1, 1)
        self._stream.write(_ERASE_LINE + harmless(" ".join(text.split()))[:room])
        self._stream.flush()

    def clear(self) -> None:
        """Remove the line, so that something else can be printed in its place."""
        if self._shown_at is not None:
            self._shown_at = None
            self._stream.write(_ERASE_LINE)
            self._stream.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

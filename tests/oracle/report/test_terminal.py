"""Terminals get comfort; pipes get plain text, and no progress."""

import io

import click
import pytest

from fateline_console import terminal
from fateline_console.terminal import Progress, paint, table


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def ordinary_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "20")


def ticking(*times: float) -> Progress:
    clock = iter((0.0, *times))
    return Progress(Terminal(), every=0.1, clock=lambda: next(clock))


def written(progress: Progress) -> str:
    stream = progress._stream
    assert isinstance(stream, io.StringIO)
    return stream.getvalue()


def test_progress_of_short_work_is_silent_in_a_pipe() -> None:
    stream = io.StringIO()
    with Progress(stream) as progress:
        progress.update("1 of 2")
        progress.clear()
    assert stream.getvalue() == ""


def test_progress_of_long_work_is_a_line_now_and_then_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "PIPE_EVERY", 30.0)
    stream, clock = io.StringIO(), iter([0.0, 10.0, 31.0, 40.0, 62.0])
    with Progress(stream, clock=lambda: next(clock)) as progress:
        for text in ("1 of 4", "2 of 4", "3 of 4", "4 of\n4"):
            progress.update(text)
    assert stream.getvalue() == "... 2 of 4\n... 4 of 4\n"


def test_progress_is_silent_on_a_dumb_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    with Progress(stream) as progress:
        progress.update("1 of 2")
    assert stream.getvalue() == ""


def test_progress_overwrites_its_line_and_leaves_none() -> None:
    with ticking(0.0, 0.2) as progress:
        progress.update("1 of 2")
        progress.update("2 of 2")
    assert written(progress) == "\r\x1b[2K1 of 2\r\x1b[2K2 of 2\r\x1b[2K"


def test_progress_leaves_out_changes_too_quick_to_read() -> None:
    progress = ticking(0.0, 0.05, 0.15)
    for text in ("one", "two", "three"):
        progress.update(text)
    assert "two" not in written(progress)
    assert "three" in written(progress)


def test_progress_keeps_to_one_line_of_the_terminal() -> None:
    progress = ticking(0.0)
    progress.update("a text of\nmore than twenty columns")
    assert written(progress) == "\r\x1b[2Ka text of more than"


def test_progress_never_shown_clears_nothing() -> None:
    progress = ticking()
    progress.clear()
    assert written(progress) == ""


def test_colour_on_a_terminal_only() -> None:
    assert paint("holds", "green", stream=Terminal()) == "\x1b[32mholds\x1b[0m"
    assert paint("holds", "green", stream=io.StringIO()) == "holds"


def test_no_color_is_respected_unless_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert paint("holds", "green", bold=True, stream=Terminal()) == "holds"
    monkeypatch.setenv("NO_COLOR", "")
    assert paint("holds", "green", stream=Terminal()) != "holds"


def test_table_aligns_text_left_and_numbers_right() -> None:
    assert table([["L1", 7, None], ["Z1", 1234, "not recorded"]], ["law", "checked", "why"]).splitlines() == [
        "law  checked  why",
        "---  -------  ------------",
        "L1         7",
        "Z1      1234  not recorded",
    ]


def test_table_ignores_colour_when_it_aligns() -> None:
    rows = [[click.style("holds", fg="green"), "a"], ["breached", "b"]]
    assert click.unstyle(table(rows, ["verdict", "x"])).splitlines() == [
        "verdict   x",
        "--------  -",
        "holds     a",
        "breached  b",
    ]


def test_table_without_rows_shows_its_headers() -> None:
    assert table([], ["law", "why"]) == "law  why\n---  ---"


def test_table_refuses_a_row_of_another_length() -> None:
    with pytest.raises(ValueError, match="zip"):
        table([["L1"]], ["law", "why"])

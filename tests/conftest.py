"""What all tests share: no progress in pipes, and a part of the slow tests that takes turns.

`pytest -m slow --turn 5/12` runs every twelfth of them, from the sixth on. A continuous run takes the turn that the number
of commits names, so that each slow test is run at least once in as many commits as there are turns.
"""

from zlib import crc32

import pytest

from fateline_console import terminal


@pytest.fixture(autouse=True)
def no_progress_in_pipes(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a command takes so long that it prints progress, which is not what a test reads."""
    monkeypatch.setattr(terminal, "PIPE_EVERY", float("inf"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--turn", metavar="K/N", help="of the tests chosen, only the part K of N; K may be any number")


def part_of(nodeid: str, parts: int) -> int:
    """Which part a test belongs to: always the same one, and about as many tests in each."""
    return crc32(nodeid.encode()) % parts


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    turn = config.getoption("--turn")
    if turn is None:
        return
    number, _, parts = turn.partition("/")
    if not (number.isdecimal() and parts.isdecimal() and int(parts)):
        raise pytest.UsageError(f"--turn {turn}: give two numbers, as in --turn 5/12")
    mine = [item for item in items if part_of(item.nodeid, int(parts)) == int(number) % int(parts)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(mine)])
    items[:] = mine

"""What all tests share: no progress in pipes, who runs which test, and a part of the slow tests that takes turns.

Tests that share something costly run in one process, so that it is made once (`TOGETHER`). The mark of pytest-xdist for this
does nothing under pytest 9.2, so the scheduler is told the folders and files.

`pytest -m slow --turn 5/12` runs every twelfth of them, from the sixth on. A continuous run takes the turn that the number
of commits names, so that each slow test is run at least once in as many commits as there are turns.
"""

from typing import Final
from zlib import crc32

import pytest
from xdist.scheduler import LoadGroupScheduling  # type: ignore[import-untyped]  # it has no types

from fateline_console import terminal

TOGETHER: Final = {
    "tests/model/checker/": "the states of scope small",
    "tests/oracle/cli/test_verify.py": "the states of scope small",
    "tests/model/test_stimuli.py": "the states of scope small",
    "tests/model/test_records.py": "the states of scope small",
    "tests/oracle/book/": "the book",
    "tests/oracle/audit/test_two_encodings.py": "walks over the graphs",
    "tests/oracle/audit/test_judge_laws.py": "walks over the graphs",
}


class SharedWork(LoadGroupScheduling):  # type: ignore[misc]
    """Gives each test to the next free process, and tests that share something to the same one."""

    def _split_scope(self, nodeid: str) -> str:
        return next((group for place, group in TOGETHER.items() if nodeid.startswith(place)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> SharedWork:
    return SharedWork(config, log)


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

"""One pool: every task gets its result, also beside one that ends its process."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fateline_oracle.parallel import WorkerDied, in_processes


@contextmanager
def ten() -> Iterator[int]:
    yield 10


def times(shared: int, task: int) -> int:
    return shared * task


def deadly(_: None, task: int) -> str:
    if task == 3:
        os._exit(1)
    return f"done {task}"


def failing(_: None, task: int) -> int:
    raise LookupError(f"nothing for {task}")


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_task_has_its_result(jobs: int) -> None:
    found = dict(in_processes(times, range(7), jobs=jobs, shared=ten))
    assert found == {task: 10 * task for task in range(7)}


def test_results_come_in_order_where_that_is_wanted() -> None:
    found = [task for task, _ in in_processes(times, range(20), jobs=2, shared=ten, in_order=True)]
    assert found == list(range(20))


def test_a_task_that_ends_its_process_is_known_and_the_others_are_done() -> None:
    found = dict(in_processes(deadly, range(6), jobs=2, died=lambda task: f"died {task}"))
    assert found == {task: "died 3" if task == 3 else f"done {task}" for task in range(6)}


def test_without_a_word_for_it_such_a_task_is_an_error() -> None:
    with pytest.raises(WorkerDied, match="3"):
        list(in_processes(deadly, range(6), jobs=2))


def test_an_exception_of_a_task_reaches_the_caller() -> None:
    with pytest.raises(LookupError, match="nothing for"):
        list(in_processes(failing, range(3), jobs=2))


def slow_after_the_first(_: None, task: int) -> int:
    if task:
        time.sleep(60)
    return task


INTERRUPTED = """
from fateline_oracle.parallel import in_processes
from tests.oracle.test_parallel import slow_after_the_first
for _ in in_processes(slow_after_the_first, range(3), jobs=2, start={start!r}):
    raise KeyboardInterrupt
"""


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_what_ends_the_loop_ends_the_workers_too(start: str) -> None:
    """Python waits for the workers of a pool when it ends, so a command would stay until their tasks are done."""
    begun = time.monotonic()
    ended = subprocess.run([sys.executable, "-c", INTERRUPTED.format(start=start)], capture_output=True, check=False)
    assert b"KeyboardInterrupt" in ended.stderr
    assert time.monotonic() - begun < 40

"""Databases of redun: a task calls three tasks beside each other, a task that takes the results of all, and one after it."""

import logging
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3]))

from redun import Scheduler, task
from redun.config import Config

from fateline_oracle.adapters.recording import change, die, in_child, record

redun_namespace = "example"
FILE = "redun.db"


@task(cache=False)
def root(way: str) -> str:
    return way


@task(cache=False)
def branch(way: str, name: str) -> str:
    if name == "b" and way == "error":
        raise ValueError("branch b fails")
    if name == "b" and way == "kill":
        die()
    if name == "c" and way == "error":
        time.sleep(1.0)  # it still runs when b fails
    return name


@task(cache=False)
def join(parts: list[str]) -> str:
    return "+".join(parts)


@task(cache=False)
def after(joined: str) -> str:
    return joined


@task(cache=False)
def whole(way: str) -> str:
    first = root(way)
    return after(join([branch(first, name) for name in "abc"]))


def executions(folder: Path, ways: list[str]) -> None:
    """An execution for each way: nothing, `error` or `kill` (in branch b)."""
    scheduler = Scheduler(config=Config({"backend": {"db_uri": f"sqlite:///{folder / FILE}"}}))
    scheduler.load()
    for way in ways:
        try:
            scheduler.run(whole(way))
        except ValueError:
            continue


def made(folder: Path, *ways: str) -> Path:
    """In a child, which closes the database by its end."""
    assert in_child(folder, *ways) == 0
    return folder / FILE


def cut(folder: Path) -> Path:
    assert in_child(folder, "none", "kill") == -9
    return folder / FILE


logging.disable(logging.CRITICAL)
record(
    {
        "joined": lambda folder: made(folder, "none", "none"),
        "failed": lambda folder: made(folder, "none", "error"),
        "killed": cut,
        "seeded": lambda folder: change(
            made(folder, "none"),
            "UPDATE job SET end_time = NULL WHERE task_hash IN (SELECT hash FROM task WHERE name = 'join')",
        ),
    },
    executions,
)

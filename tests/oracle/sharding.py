"""Runs commands for the tests of shards, and compares reports and texts without their seconds."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from fateline_oracle.cli import main

Words = Callable[..., list[object]]
"""The command line for an engine, with more words after it."""


def called(*words: object, status: tuple[int, ...] = (0, 1, 2)) -> str:
    """What a command printed."""
    done = CliRunner().invoke(main, list(map(str, words)))
    assert done.exit_code in status, done.output
    return done.stdout if done.exit_code != 3 else done.stderr


def timeless(report: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in report.items() if key != "seconds"}


def timeless_text(text: str) -> str:
    """A text without numbers of seconds, and without the width of a column of them."""
    return re.sub(r"[ >]+\d+\.\d( s)?|  -+$", "", text, flags=re.M)


def shards(folder: Path, command: Words, engine: str, of: int) -> list[Path]:
    """The reports of all shards."""
    paths = [folder / f"{number}.json" for number in range(1, of + 1)]
    for number, path in enumerate(paths, 1):
        path.write_text(called(*command(engine, "--shard", f"{number}/{of}", "--json")))
    return paths


def merged(paths: list[Path], verdict: str) -> dict[str, Any]:
    """The report of all shards without its seconds, and with the exit status of a verdict."""
    status = {"holds": 0, "breached": 1, "undetermined": 2}[verdict]
    return timeless(json.loads(called("merge", *paths, "--json", status=(status,))))

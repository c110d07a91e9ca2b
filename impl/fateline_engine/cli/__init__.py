"""The engine's own command line: `run`, `resume`, `explain`, `graph` and `export`.

`python -m fateline_engine` runs it. The command `fateline` lists the same five commands beside those of the judge. Each
command is imported when it is used, so that a run loads nothing that only a drawing or an export needs.

Not here: a command itself, and anything about laws or verdicts.
"""

import shlex
import sys
from typing import Final

import click

from fateline_console.group import CommandGroup
from fateline_console.lazy import LazyCommand
from fateline_console.terminal import is_terminal, say

PROGRAM: Final = "python -m fateline_engine"
_HERE: Final = "fateline_engine.cli"

COMMANDS: Final[tuple[LazyCommand, ...]] = (
    LazyCommand("run", f"{_HERE}.run:run", "Run a pipeline on the reference engine."),
    LazyCommand("resume", f"{_HERE}.run:resume", "Resume a stopped run from its last commit."),
    LazyCommand("explain", f"{_HERE}.explain:explain", "Show where a row went, or where an output comes from."),
    LazyCommand("graph", f"{_HERE}.graph:graph", "Check a pipeline and draw it."),
    LazyCommand("export", f"{_HERE}.export:export", "Write an audit trail as JSON lines, CSV or tables."),
)
"""In the order in which `--help` lists them."""


@click.group(cls=CommandGroup, name=PROGRAM, commands=COMMANDS)
@click.version_option(package_name="fateline", prog_name=PROGRAM, message="%(prog)s %(version)s")
def commands() -> None:
    """Run pipelines on the reference engine, and read the audit trails that it writes.

    Exit status: 0 finished, 1 stopped and resumable, 2 interrupted, 3 bad input.
    """


def hint_to_explore(*words: str) -> None:
    """Say at a terminal how the explorer shows the same, where there is one. It does not go where the answer goes."""
    if program() != PROGRAM and is_terminal(sys.stderr):
        say(f"\nStep through it with: {program()} explore {shlex.join(words)}", err=True)


def program() -> str:
    """The command line that is in use, for the hints that name another command of it: `fateline`, or `PROGRAM`."""
    context = click.get_current_context(silent=True)
    return (context.find_root().command.name if context is not None else None) or PROGRAM

"""The command line: ``fateline``, one group of commands that end in a verdict.

What it is: the table of commands, each with its one line of help. A command is imported when it is run, not
before, so ``fateline --help`` loads nothing heavy. To add a command, write a click command that returns an
``ExitCode`` in a module of its own and name it in ``COMMANDS``.

What it is not: where anything is judged. A command reads its arguments, calls the judge, and prints a report.
"""

from typing import Final

import click

from fateline_console.group import CommandGroup
from fateline_console.lazy import LazyCommand

_HERE: Final = "fateline_oracle.cli"
_ENGINE: Final = "fateline_engine.cli"

COMMANDS: Final[tuple[LazyCommand, ...]] = (
    LazyCommand("verify", f"{_HERE}.verify:verify", "Model-check the law, or its own mutants."),
    LazyCommand("prove", f"{_HERE}.prove:prove", "Prove the kernels of the law for every integer."),
    LazyCommand("conform", f"{_HERE}.conform:conform", "Hold an engine against the law."),
    LazyCommand("hunt", f"{_HERE}.hunt:hunt", "Hunt for breaches at random, keep what is found, go on another day."),
    LazyCommand("torture", f"{_HERE}.torture:torture", "Crash an engine at every write boundary, and resume it."),
    LazyCommand("zoo", f"{_HERE}.zoo:zoo", "Judge engines with one seeded bug each: every one must be told."),
    LazyCommand("vectors", f"{_HERE}.vectors:vectors", "Write or check the vectors, or ask an engine what they ask."),
    LazyCommand("replay", f"{_HERE}.replay:replay", "Step a saved counterexample again."),
    LazyCommand("audit", f"{_HERE}.audit:audit", "Judge an audit database where it lies."),
    LazyCommand("diff", f"{_HERE}.diff:diff", "Compare two trails name by name."),
    LazyCommand("run", f"{_ENGINE}.run:run", "Run a pipeline on the reference engine."),
    LazyCommand("resume", f"{_ENGINE}.run:resume", "Resume a stopped run from its last commit."),
    LazyCommand("explain", f"{_ENGINE}.explain:explain", "Show where a row went, or where an output comes from."),
    LazyCommand("graph", f"{_ENGINE}.graph:graph", "Check a pipeline and draw it."),
    LazyCommand("export", f"{_ENGINE}.export:export", "Write an audit trail as JSON lines, CSV or tables."),
    LazyCommand("spec", f"{_HERE}.spec:spec", "Write the book, or check that it is fresh."),
)
"""In the order in which ``--help`` lists them: ``LazyCommand(name, "module:function", "A line of help.")``"""


@click.group(cls=CommandGroup, name="fateline", commands=COMMANDS)
@click.version_option(package_name="fateline", prog_name="fateline", message="%(prog)s %(version)s")
def main() -> None:
    """Say what may happen to a token, and whether an engine or an audit trail keeps to it.

    Exit status: 0 the law holds, 1 it is breached, 2 undetermined, 3 usage or bad input. Of run and resume:
    0 finished, 1 stopped and resumable, 3 bad input.
    """

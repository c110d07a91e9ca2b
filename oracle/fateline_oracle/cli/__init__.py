"""The command line `fateline`: one group of commands that end in a verdict.

This is the table of commands, each with one line of help. A command is imported when it runs, so `fateline --help`
loads nothing heavy. To add a command, write a click command that returns an `ExitCode` in a new module, and name it in
`COMMANDS`. A command reads its arguments, calls the judge, and prints a report. Not here: any judging.
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
    LazyCommand("conform", f"{_HERE}.conform:conform", "Check an engine against the specification."),
    LazyCommand("plan", f"{_HERE}.plan:plan", "Check an engine that has only a command line, by planned runs."),
    LazyCommand("orders", f"{_HERE}.orders:orders", "Tell the same outcomes in every order, and compare the ends."),
    LazyCommand("hunt", f"{_HERE}.hunt:hunt", "Search for breaches with random walks, and keep what is found."),
    LazyCommand(
        "torture", f"{_HERE}.torture:torture", "Crash an engine at every write boundary, resume it, and check."
    ),
    LazyCommand("zoo", f"{_HERE}.zoo:zoo", "Check engines with one seeded bug each: all must be noticed."),
    LazyCommand("merge", f"{_HERE}.merge:merge", "Make one report of the reports of all shards."),
    LazyCommand("vectors", f"{_HERE}.vectors:vectors", "Write or check the test vectors, or run them on an engine."),
    LazyCommand("ledger", f"{_HERE}.ledger:ledger", "Make a ledger of known findings from a report."),
    LazyCommand("replay", f"{_HERE}.replay:replay", "Step a saved counterexample again."),
    LazyCommand("audit", f"{_HERE}.audit:audit", "Check an audit database in place."),
    LazyCommand("views", f"{_HERE}.views:views", "Help to write a file of views for a database of your own."),
    LazyCommand("engines", f"{_HERE}.engines:engines", "List the engines of others, or install them."),
    LazyCommand("board", f"{_HERE}.board:board", "Measure engines of others, and compare with the board."),
    LazyCommand("sweep", f"{_HERE}.sweep:sweep", "Hold many versions of one engine against the law."),
    LazyCommand("mended", f"{_HERE}.mended:mended", "Reproduce issues that engines of others had and mended."),
    LazyCommand("diff", f"{_HERE}.diff:diff", "Compare two trails name by name."),
    LazyCommand("run", f"{_ENGINE}.run:run", "Run a pipeline on the reference engine."),
    LazyCommand("resume", f"{_ENGINE}.run:resume", "Resume a stopped run from its last commit."),
    LazyCommand("explain", f"{_HERE}.show_trail:explain", "Show where a row went, or where an output comes from."),
    LazyCommand("graph", f"{_ENGINE}.graph:graph", "Check a pipeline and draw it."),
    LazyCommand(
        "explore", f"{_HERE}.explore:explore", "Write a page in which a pipeline, a case or a row can be played."
    ),
    LazyCommand("export", f"{_HERE}.show_trail:export", "Write an audit trail as JSON lines, CSV or tables."),
    LazyCommand("examples", f"{_HERE}.examples:examples", "Copy the examples into a folder."),
    LazyCommand("spec", f"{_HERE}.spec:spec", "Write the generated pages of the book, or check that they are fresh."),
)
"""In the order in which `--help` lists them: `LazyCommand(name, "module:function", "A line of help.")`"""


BEGIN: Final = """\b
Where to begin:
  You maintain an engine:        fateline conform --scope small -- COMMAND
  You have an audit database:    fateline audit DATABASE
  You want to know the rules:    fateline verify --scope small
  You need a small engine:       fateline examples DIR; fateline run DIR/quorum/pipeline.yaml
"""
"""What to type first, for each reader of the README."""


@click.group(cls=CommandGroup, name="fateline", commands=COMMANDS, epilog=BEGIN)
@click.version_option(package_name="fateline", prog_name="fateline", message="%(prog)s %(version)s")
def main() -> None:
    """Specify what may happen to a token, and check engines and audit trails against it.

    Exit status: 0 the law holds, 1 it is breached, 2 undetermined, 3 wrong usage or input. For run and resume:
    0 finished, 1 stopped and resumable, 2 interrupted before it began or after its end, 3 wrong input.
    """

"""What the commands that read an audit trail share: which database, which run.

What it is: arguments, and a context that opens the one and finds the other, or says in one line why not.

What it is not: for trails of other engines. Those are judged through views; this opens our own landscapes.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from fateline_engine.errors import LandscapeError
from fateline_engine.landscape import Landscape
from fateline_engine.landscape.runs import RunRow, list_runs

database_argument = click.argument("database", type=click.Path(dir_okay=False, path_type=Path))
run_option = click.option("--run", "run_id", help="Which run of it. By default the latest.")


@contextmanager
def open_trail(database: Path, run_id: str | None) -> Iterator[tuple[Landscape, RunRow]]:
    """The landscape, for reading only, and the run that is meant."""
    file = database.with_suffix(".db") if database.suffix in (".yaml", ".yml") else database
    try:
        landscape = Landscape.read(file)
    except (LandscapeError, sqlite3.Error) as error:
        raise click.ClickException(str(error)) from error
    with landscape:
        runs = list_runs(landscape)
        meant = [run for run in runs if run_id is None or run.id == run_id]
        if not meant:
            told = ", ".join(run.id for run in runs) or "none"
            raise click.ClickException(f"{file} has no run {run_id or 'at all'}; there are {told}")
        yield landscape, meant[-1]

"""What the commands that read an audit trail share: which database, and which run.

The arguments, and a context manager that opens the database and finds the run, or reports in one line why not. Not here: trails
of other engines. This opens landscapes of the reference engine only.
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
run_option = click.option("--run", "run_id", help="Which run of the database. By default the latest.")


@contextmanager
def open_trail(database: Path, run_id: str | None) -> Iterator[tuple[Landscape, RunRow]]:
    """The landscape, opened for reading only, and the run that was asked for."""
    file = database.with_suffix(".db") if database.suffix in (".yaml", ".yml") else database
    try:
        landscape = Landscape.read(file)
    except (LandscapeError, sqlite3.Error) as error:
        raise click.ClickException(str(error)) from error
    with landscape:
        try:
            runs = list_runs(landscape)
        except (LandscapeError, sqlite3.Error) as error:
            raise click.ClickException(f"{file}: {error}") from error
        meant = [run for run in runs if run_id is None or run.id == run_id]
        if not meant:
            known = ", ".join(run.id for run in runs) or "none"
            raise click.ClickException(f"{file} has no run {run_id or 'at all'}; its runs are: {known}")
        yield landscape, meant[-1]

"""`fateline export`: an audit trail as JSON lines, which any judge in any language can read, as CSV files, or as tables.

Not here: a backup. The data of rows is not in a trail, only its digests.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from fateline_console.terminal import table
from fateline_engine.cli.exit_code import ExitCode
from fateline_engine.cli.trail import database_argument, open_trail, run_option
from fateline_engine.landscape import Landscape
from fateline_engine.landscape.export import lines

_new_file = click.Path(dir_okay=False, path_type=Path)


@click.command()
@database_argument
@run_option
@click.option("--output", type=_new_file, help="Write the JSON lines to this file.")
@click.option(
    "--csv", "folder", type=click.Path(file_okay=False, path_type=Path), help="Write CSV files to this folder."
)
@click.option("--tables", "tables", type=_new_file, help="Write a table for each relation to this new SQLite database.")
@click.option("--overview", "counts", is_flag=True, help="Only count the records of each relation.")
@click.option("--head", is_flag=True, help="Only print the head of the trail, a digest that can be kept elsewhere.")
@click.option("--json", "as_json", is_flag=True, help="Print the overview as JSON; JSON lines are JSON already.")
def export(
    database: Path,
    run_id: str | None,
    output: Path | None,
    folder: Path | None,
    tables: Path | None,
    counts: bool,
    head: bool,
    as_json: bool,
) -> ExitCode:
    """Write the trail of a run in DATABASE.

    By default it is printed as JSON lines: one object for each record, with the fields that specs/trail.md lists.
    """
    if sum((output is not None, folder is not None, tables is not None, counts, head)) > 1:
        raise click.UsageError("choose one of --output, --csv, --tables, --overview and --head")
    with open_trail(database, run_id) as (landscape, run), _problems(database, output or folder or tables):
        if head:
            click.echo(landscape.head.digest.hex())
        elif counts:
            click.echo(_overview(landscape, run.id, as_json=as_json))
        elif folder is not None:
            from fateline_engine.landscape.inspection import write_csv

            files = write_csv(landscape, run.id, folder)
            click.echo(f"{len(files)} files are in {folder}.")
        elif tables is not None:
            from fateline_engine.landscape.inspection import write_tables

            write_tables(landscape, run.id, tables)
            click.echo(f"The tables are in {tables}.")
        else:
            _write_lines(landscape, run.id, output)
    return ExitCode.DONE


def _overview(landscape: Landscape, run_id: str, *, as_json: bool) -> str:
    from fateline_engine.landscape.inspection import overview

    relations = overview(landscape, run_id)
    if as_json:
        return json.dumps([relation._asdict() for relation in relations], indent=2)
    rows = [(relation.name, relation.records, ", ".join(relation.columns)) for relation in relations]
    return table(rows, ["relation", "records", "columns"])


def _write_lines(landscape: Landscape, run_id: str, output: Path | None) -> None:
    if output is None:
        for line in lines(landscape, run_id):
            click.echo(line)
        return
    with output.open("w", encoding="utf-8") as stream:
        stream.writelines(f"{line}\n" for line in lines(landscape, run_id))


@contextmanager
def _problems(database: Path, output: Path | None) -> Iterator[None]:
    """What cannot be read or written is bad input, and is reported in one line."""
    try:
        yield
    except BrokenPipeError:
        raise
    except FileExistsError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{output or 'standard output'}: {error.strerror or error}") from error
    except sqlite3.Error as error:
        raise click.ClickException(f"{database} cannot be read: {error}") from error

"""``fateline export``: an audit trail as JSON lines, which any judge in any language can read.

What it is: the relations of the trail, streamed.

What it is not: a backup. The data of rows is not in a trail, only its digests.
"""

import sqlite3
from pathlib import Path

import click

from fateline_engine.cli.exit_code import ExitCode
from fateline_engine.cli.trail import database_argument, open_trail, run_option
from fateline_engine.landscape.export import lines


@click.command()
@database_argument
@run_option
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file instead.")
@click.option("--json", is_flag=True, expose_value=False, help="Changes nothing: it is JSON lines already.")
def export(database: Path, run_id: str | None, output: Path | None) -> ExitCode:
    """Write a run of DATABASE as JSON lines: one object a record, as specs/trail.md lists them."""
    with open_trail(database, run_id) as (landscape, run):
        try:
            if output is None:
                for line in lines(landscape, run.id):
                    click.echo(line)
            else:
                with output.open("w", encoding="utf-8") as stream:
                    stream.writelines(f"{line}\n" for line in lines(landscape, run.id))
        except BrokenPipeError:
            raise
        except OSError as error:
            raise click.ClickException(f"{output or 'standard output'}: {error.strerror or error}") from error
        except sqlite3.Error as error:
            raise click.ClickException(f"{database} cannot be read: {error}") from error
    return ExitCode.DONE

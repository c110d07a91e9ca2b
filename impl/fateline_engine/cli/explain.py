"""`fateline explain`: where a row went, or where an output comes from.

A row, a token or a line of an output is looked up in an audit trail and shown as a tree. Not here: judgement. It shows what the
trail contains, also where that is wrong; `fateline audit` judges.
"""

import json
import re
import sqlite3
from pathlib import Path

import click

from fateline_console.terminal import say
from fateline_engine.cli import hint_to_explore
from fateline_engine.cli.exit_code import ExitCode
from fateline_engine.cli.trail import database_argument, open_trail, run_option
from fateline_engine.errors import LandscapeError
from fateline_engine.explain import NothingThere, as_data, find, tell
from fateline_engine.landscape import Landscape
from fateline_engine.output_index import locate

_FILE_LINE = re.compile(r"(.+):(\d+)")


@click.command()
@database_argument
@click.argument("what")
@run_option
@click.option("--json", "as_json", is_flag=True, help="Print the lineage as one JSON object.")
def explain(database: Path, what: str, run_id: str | None, as_json: bool) -> ExitCode:
    """Show the lineage of WHAT, as recorded in DATABASE.

    \b
    WHAT is a row           3
            a token         3/left.0 by name, 3:7 by id
            a written row   sink:5, the fifth that this sink wrote
            a line of it    out.csv:12, counted as an editor counts

    Rows count from 0, written rows and lines from 1. DATABASE may be the pipeline's own YAML file.
    """
    with open_trail(database, run_id) as (landscape, run):
        try:
            story, token = find(landscape.conn, run.run, _resolve(landscape, run.run, database, what))
            text = json.dumps(as_data(story, token), indent=2) if as_json else tell(story, token)
        except NothingThere as error:
            raise click.ClickException(str(error)) from error
        except (sqlite3.Error, LandscapeError) as error:
            raise click.ClickException(f"{database} cannot be read: {error}") from error
        except (LookupError, TypeError, ValueError, RecursionError) as error:
            why = f"its records contradict each other ({type(error).__name__}: {error})"
            raise click.ClickException(f"{what}: {why}; `fateline audit {database}` says what is wrong") from error
        say(text)
        if not as_json:
            hint_to_explore(
                "--database", landscape.path, "--row", str(story.row), *(("--run", run_id) if run_id else ())
            )
    return ExitCode.DONE


def _resolve(landscape: Landscape, run: int, database: Path, what: str) -> str:
    """A line of a file becomes a written row of its sink; anything else stays as it is."""
    found = _FILE_LINE.fullmatch(what)
    if found is None or not Path(found[1]).is_file():
        return what
    return locate(landscape.conn, run, Path(found[1]), int(found[2]), database.parent)

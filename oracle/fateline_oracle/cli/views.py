"""`fateline views`: helps to write a file of views for a database of one's own.

Not here: what is found (`fateline_oracle.audit.view_file`).
"""

from pathlib import Path

import click

from fateline_console.terminal import say, table
from fateline_model.records import RELATIONS

from ..audit.adapters import find_adapter
from ..audit.connect import BadSource, TookTooLong, bounded, is_database, opened
from ..audit.source import reading
from ..audit.view_file import misread, missing_of, skeleton
from ..report.verdict import ExitCode


@click.command()
@click.argument("database")
@click.option("--check", metavar="FILE", help="Say what this file of views gives of DATABASE, and what it leaves open.")
@click.option("--scaffold", is_flag=True, help="Print the skeleton of a file of views for DATABASE.")
@click.option("--patience", type=click.FloatRange(0.01), default=60.0, show_default=True, help="Seconds for reading.")
def views(database: str, check: str | None, scaffold: bool, patience: float) -> ExitCode:
    """Help to write a file of views, through which DATABASE can be audited.

    Exit status: 0 nothing looks misread, 1 something does, 3 wrong usage or input.
    """
    path = Path(database)
    try:
        if not is_database(path):
            raise BadSource(f"{path}: not an SQLite database; JSON lines need no views")
        if scaffold:
            with opened(path) as conn:
                say("\n".join(skeleton(conn, path.stem)))
            return ExitCode.HOLDS
        if check is None:
            raise click.UsageError("Give --check FILE or --scaffold.")
        with reading(path, find_adapter(path, Path(check)), patience) as source, bounded(source.conn, patience):
            strange = list(misread(source))
            columns = source.columns
    except TookTooLong:
        raise click.ClickException(
            f"{check}: reading took longer than {patience:g} s; --patience allows more"
        ) from None
    except BadSource as error:
        raise click.ClickException(str(error)) from None
    rows = [(name, ", ".join(columns[name]) if name in columns else "no view") for name in RELATIONS]
    say(table(rows, ("relation", "columns")))
    lacks = [(one.need, " ".join(one.wholly) or None, " ".join(one.partly) or None) for one in missing_of(columns)]
    if lacks:
        say("\n" + table(lacks, ("not given", "laws that are not judged", "laws of which a part is not judged")))
    say("\n" + ("\n".join(f"looks misread: {line}" for line in strange) or "nothing looks misread"))
    return ExitCode.BREACHED if strange else ExitCode.HOLDS

"""`fateline ledger`: makes a ledger of the findings in a report.

Not here: what a ledger is (`fateline_oracle.report.ledger`).
"""

from datetime import datetime
from pathlib import Path

import click

from ..report.ledger import BadLedger, ledger_of
from ..report.verdict import ExitCode


@click.command()
@click.argument("report", metavar="REPORT")
@click.option("--reason", default="", help="Why the findings are accepted for now. Without it, fill it in by hand.")
@click.option("--link", default="", help="Where the findings are discussed, such as the address of an issue.")
@click.option(
    "--expires", type=click.DateTime(["%Y-%m-%d"]), help="The last day on which the findings are accepted: 2027-06-30."
)
def ledger(report: str, reason: str, link: str, expires: datetime | None) -> ExitCode:
    """Print a ledger of all findings in REPORT, a file that a command wrote with --json.

    With `--ledger FILE`, the commands conform, vectors, hunt and audit do not let these findings change the verdict. A finding
    that the ledger lists and that no longer occurs prevents the verdict `holds`.

    Exit status: 0 the ledger was printed, 3 wrong usage or input.
    """
    try:
        text = ledger_of(Path(report), reason, link, expires.date() if expires is not None else None)
    except BadLedger as error:
        raise click.ClickException(str(error)) from error
    click.echo(text, nl=False)
    if not text:
        click.echo("The report has no findings.", err=True)
    elif not reason:
        click.echo("Give each entry its `reason`: a ledger with an empty reason is refused.", err=True)
    return ExitCode.HOLDS

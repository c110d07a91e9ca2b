"""`fateline spec`: writes the generated pages of the book, or checks that they are fresh.

Not here: what the pages say (`fateline_oracle.book`).
"""

from pathlib import Path

import click

from fateline_console.terminal import paint

from ..book import INDEX, make_book, stale, write
from ..report.verdict import ExitCode, files_json


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail if a page is not fresh.")
@click.option("--specs", metavar="DIR", help="Folder of the book. Default: the `specs` folder here or above.")
@click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="Number of processes.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def spec(check: bool, specs: str | None, jobs: int, as_json: bool) -> ExitCode:
    """Write the generated pages of the book from the law and the evidence, or check that they are fresh.

    Exit status: 0 all pages are fresh, 1 a page is not, 3 wrong usage.
    """
    folder = Path(specs) if specs is not None else _find()
    if not folder.is_dir():
        raise click.UsageError(f"{folder}: no such folder")
    book = make_book(jobs=jobs)
    changed = [] if check else write(folder, book)
    problems = stale(folder, book)
    code = ExitCode.BREACHED if problems else ExitCode.HOLDS
    if as_json:
        click.echo(files_json(str(folder), len(book), changed, problems))
        return code
    for name in changed:
        click.echo(f"written  {name}")
    for problem in problems:
        click.echo(f"{paint('not fresh', 'red')}  {problem}")
    if check and problems:
        click.echo("Run `fateline spec`, read the difference, and commit it with the change that caused it.")
    if not problems:
        click.echo(f"{paint('fresh', 'green')}  {len(book)} generated files in {folder}, index {folder / INDEX}")
    return code


def _find() -> Path:
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "specs" / INDEX).is_file():
            return folder / "specs"
    raise click.UsageError(
        "there is no `specs` folder here or above; run this in a checkout, or name the folder with --specs DIR"
    )

"""`fateline spec`: writes the generated pages of the book, checks that they are fresh, or writes the book as a site.

Not here: what the pages say (`fateline_oracle.book`).
"""

from importlib.util import find_spec
from pathlib import Path

import click

from fateline_console.terminal import paint, say

from ..book import INDEX, make_book, stale, write
from ..law.verification import judge_mutants
from ..report.verdict import ExitCode, files_json


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail if a page is not fresh.")
@click.option("--specs", metavar="DIR", help="Folder of the book. Default: the `specs` folder here or above.")
@click.option(
    "--site", metavar="DIR", help="Write the pages, as they stand, as HTML into this folder, and nothing else."
)
@click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="Number of processes.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def spec(check: bool, specs: str | None, site: str | None, jobs: int, as_json: bool) -> ExitCode:
    """Write the generated pages of the book from the law and the evidence, or check that they are fresh.

    --site writes all pages of the book as HTML, with a search, links between laws, terms, decisions and mutants, and an example
    to play beside each of them that has one. Open its index.html in a browser; it needs no server.

    Exit status: 0 all pages are fresh, 1 a page is not, 3 wrong usage. With --site: 0 written, 1 written and a link leads
    nowhere, 3 wrong usage.
    """
    folder = Path(specs) if specs is not None else _find()
    if not folder.is_dir():
        raise click.UsageError(f"{folder}: no such folder")
    if site is not None:
        if check:
            raise click.UsageError("--check writes nothing; leave out --site")
        return _site(folder, Path(site), jobs, as_json)
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


GET_MARKDOWN = "the site needs markdown-it-py, which is not installed: pip install 'fateline[site]'"


def _site(specs: Path, folder: Path, jobs: int, as_json: bool) -> ExitCode:
    if find_spec("markdown_it") is None:
        raise click.UsageError(GET_MARKDOWN)
    from ..book.site import NotASite, make_site, write_site  # needs what only this option needs

    made, problems = make_site(specs, judge_mutants(jobs=jobs))
    try:
        changed = write_site(folder, made)
    except NotASite as error:
        raise click.UsageError(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{folder}: {error.strerror or error}") from error
    if as_json:
        click.echo(files_json(str(folder), len(made), changed, problems))
    else:
        for problem in problems:
            say(f"{paint('broken', 'red')}  {problem}")
        size = sum(len(text.encode()) for text in made.values())
        say(f"{folder}  {len(made)} files, {size / 1_000_000:.1f} MB; open {folder / 'index.html'} in a browser")
    return ExitCode.BREACHED if problems else ExitCode.HOLDS


def _find() -> Path:
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "specs" / INDEX).is_file():
            return folder / "specs"
    raise click.UsageError(
        "there is no `specs` folder here or above; run this in a checkout, or name the folder with --specs DIR"
    )

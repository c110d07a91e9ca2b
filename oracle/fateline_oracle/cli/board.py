"""`fateline board`: measures engines of others, and compares what is found with the board that is kept.

Not here: measuring (`board/measure.py`), and the page (`book/board.py`).
"""

from collections.abc import Iterator

import click
import msgspec

from fateline_console.terminal import Progress, say, table

from ..adapters import ENGINES
from ..adapters.environments import is_made
from ..adapters.profiles import profile_of
from ..board.measure import at_rest, driven
from ..board.page import board_html
from ..board.rows import Row, keep_board, read_board, with_new
from ..engines import NoSuchEngine
from ..ports.port import EngineFault
from ..report.verdict import ExitCode
from .engines import packages_of
from .html_option import html_option, write_page


@click.command()
@click.argument("engines", nargs=-1, metavar="[ENGINE]...")
@click.option("--lock", is_flag=True, help="Keep what was measured; `fateline spec` then writes specs/board.md.")
@html_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def board(engines: tuple[str, ...], lock: bool, html: str | None, as_json: bool) -> ExitCode:
    """Measure engines of others, and compare what is found with the board that is kept.

    Without names: all. Databases at rest come with the package; an engine is driven if `fateline engines --make` has
    installed it. Exit status: 0 what was measured is as it was kept, 1 it differs, 2 something could not be measured.
    """
    for name in engines:
        packages_of(name)
    chosen = engines or ENGINES
    before = {row.key: row for row in read_board()}
    with Progress() as progress:
        measured = list(_measured(chosen, progress))
    rows = with_new(before.values(), measured)
    differ = [row for row in measured if row.key not in before or row.laws != before[row.key].laws]
    if lock:
        keep_board(rows)
    if html is not None:
        say(write_page(html, board_html(rows)), err=as_json)
    missing = [name for name in chosen if profile_of(name).drives and not is_made(profile_of(name).packages)]
    if as_json:
        click.echo(
            msgspec.json.encode(
                {
                    "schema": "fateline.board/1",
                    "rows": rows,
                    "differ": [row.key for row in differ],
                    "not_driven": missing,
                }
            )
        )
    else:
        say("\n".join(_text(rows, measured, differ, missing)))
    if lock:
        return ExitCode.HOLDS
    return ExitCode.BREACHED if differ else ExitCode.UNDETERMINED if missing else ExitCode.HOLDS


def _measured(chosen: tuple[str, ...], progress: Progress) -> Iterator[Row]:
    for name in chosen:
        try:
            progress.update(name)
            found = at_rest(name), driven(name, progress=progress.update)
        except (EngineFault, NoSuchEngine) as fault:
            raise click.ClickException(f"{name}: {fault}") from fault
        yield from (row for row in found if row is not None)


def _text(rows: list[Row], measured: list[Row], differ: list[Row], missing: list[str]) -> Iterator[str]:
    now = {row.key for row in measured}
    yield table(
        [
            (
                profile_of(row.engine).name, row.version, row.way, row.verdict, ", ".join(row.broken) or "no law", row.counted,
                row.date + (" (now)" if row.key in now else ", stale" if row.stale else ""),
            )
            for row in rows
        ],
        ("engine", "version", "how", "verdict", "laws broken", "judged", "date"),
    )  # fmt: skip
    for row in differ:
        yield f"differs from what was kept: {row.engine}, {row.way}, {row.version}"
    for name in missing:
        yield f"not driven, because it is not installed: {name}; `fateline engines {name} --make` installs it"

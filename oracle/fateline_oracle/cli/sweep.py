"""`fateline sweep`: one adapter over many versions of an engine.

Not here: one version (`board/measure.py`), and what is kept (`board/rows.py`).
"""

from collections.abc import Iterator, Sequence

import click
import msgspec

from fateline_console.terminal import Progress, say, table
from fateline_model import LAWS

from ..adapters.environments import NoEnvironment, in_version, is_made, make
from ..adapters.profiles import profile_of
from ..audit.connect import BadSource
from ..board.measure import driven, written_by
from ..board.rows import AT_REST, DRIVEN, Row, keep_board, read_board, version_of, with_new
from ..board.versions import changes, in_order
from ..ports.port import EngineFault
from ..report.verdict import ExitCode, Verdict
from .engines import packages_of


@click.command()
@click.argument("engine")
@click.argument("versions", nargs=-1, required=True)
@click.option(
    "--make", "install", is_flag=True, help="Install versions that are not there, each in a folder by itself."
)
@click.option("--lock", is_flag=True, help="Keep the rows of the board; `fateline spec` then writes specs/board.md.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def sweep(engine: str, versions: tuple[str, ...], install: bool, lock: bool, as_json: bool) -> ExitCode:
    """Hold VERSIONS of ENGINE against the law: it is driven, and what it writes is audited.

    For each law the last good and the first bad version are named, and the other way round. Exit status: 0 no law is broken in
    any version, 1 one is, 2 a version could not be measured, 3 there is no such engine or version.
    """
    packages_of(engine)
    profile = profile_of(engine)
    rows: list[Row] = []
    failed: dict[str, str] = {}
    with Progress() as progress:
        for version in in_order(versions):
            packages = in_version(profile, version)
            progress.update(f"{engine} {version}")
            try:
                if install:
                    make(profile, packages)
                elif not is_made(packages):
                    raise NoEnvironment("it is not installed; --make installs it")
            except NoEnvironment as problem:
                failed[version] = str(problem)
                continue
            for way, measure in ((DRIVEN, driven), (AT_REST, written_by)):
                try:
                    row = measure(engine, version)
                except (NoEnvironment, EngineFault, BadSource) as problem:
                    failed[f"{version}, {way},"] = str(problem)
                else:
                    rows += [row] if row is not None else []
    if lock:
        kept = [row for row in rows if row.way == DRIVEN or row.version != version_of(engine)]
        keep_board(with_new(read_board(), kept))  # the databases of that version come with the package
    if as_json:
        click.echo(msgspec.json.encode({"schema": "fateline.sweep/1", "rows": rows, "not_measured": failed}))
    else:
        say("\n".join(_text(rows, failed)))
    if any(row.verdict is Verdict.BREACHED for row in rows):
        return ExitCode.BREACHED
    return ExitCode.UNDETERMINED if failed or not rows else ExitCode.HOLDS


def _text(rows: Sequence[Row], failed: dict[str, str]) -> Iterator[str]:
    for way in dict.fromkeys(row.way for row in rows):
        of_way = [row for row in rows if row.way == way]
        laws = [law for law in LAWS if any(law in row.laws for row in of_way)]
        yield f"{profile_of(of_way[0].engine).name}, {way}"
        yield table(
            [(law, *(_cell(row, law) for row in of_way)) for law in laws], ("law", *(row.version for row in of_way))
        )
        yield from changes(of_way)
        yield from (f"{row.version}: {row.counted}" for row in of_way)
        yield ""
    for version, why in failed.items():
        yield f"{version} was not measured: {why}"


def _cell(row: Row, law: str) -> str:
    cell = row.laws.get(law)
    return "" if cell is None else "breached" if cell.verdict is Verdict.BREACHED else str(cell.verdict)

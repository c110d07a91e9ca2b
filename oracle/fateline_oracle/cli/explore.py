"""`fateline explore`: writes a page on which a pipeline, a counterexample or a recorded row is stepped through the law.

Not here: what is on the page (`render/explorer`).
"""

from pathlib import Path
from typing import Any

import click

from fateline_console.terminal import harmless, say
from fateline_model.checker.scopes import instance_called
from fateline_model.checker.systems import InstanceOptions, PipelineSystem

from ..conform.replay import BadCase, read_case
from ..render.explorer.lines import Line, Play, line_of_case, line_of_row, play_of
from ..render.explorer.page import page
from ..render.explorer.pair import play_of_pair
from ..render.explorer.recorded import play_of_records
from ..report.verdict import ExitCode
from ..trails.pipeline_file import BadPipelineFile, document_in
from ..trails.reader import BadTrail
from .show_trail import find_row
from .trail_options import open_or_fail, views_option

AROUND = 200
"""States around a line, unless --states says another number."""
STATES = 3_000


@click.command()
@click.argument("pipeline", required=False)
@click.option(
    "--case",
    "case_files",
    metavar="FILE",
    multiple=True,
    help="Play this counterexample, beside the law; with two cases of one pipeline, both side by side.",
)
@click.option(
    "--database", metavar="DB", help="Play a row of this trail, which is anything that `fateline audit` reads."
)
@click.option("--row", metavar="ROW", help="The row, or a token of it; as WHAT of `fateline explain`.")
@click.option(
    "--run", "run_id", metavar="RUN", help="With --database: which run. By default the last that has the row."
)
@views_option
@click.option("--rows", type=click.IntRange(1, 3), default=1, show_default=True, help="Rows that the source gives.")
@click.option("--crashes", type=click.IntRange(0, 2), default=0, show_default=True, help="Crashes that can happen.")
@click.option(
    "--states",
    type=click.IntRange(1, 50_000),
    help=f"States in the page, at most. Default: {STATES:,}; {AROUND:,} for a case or a row.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default="explore.html",
    show_default=True,
    help="The file.",
)
def explore(
    pipeline: str | None,
    case_files: tuple[str, ...],
    database: str | None,
    row: str | None,
    run_id: str | None,
    views: str | None,
    rows: int,
    crashes: int,
    states: int | None,
    output: Path,
) -> ExitCode:
    """Write one HTML file in which you step a pipeline through the law. It works offline.

    PIPELINE is a YAML or JSON file, or an instance that `fateline conform --list` names. --case plays a counterexample, given
    twice two schedules side by side; --database with --row a recorded row. PIPELINE then is the pipeline of a trail that does
    not record it.

    Exit status: 0 written, 3 wrong usage or input.
    """
    if (database is None) != (row is None):
        raise click.UsageError("--database and --row belong together")
    if case_files and (database is not None or pipeline is not None):
        raise click.UsageError("a case brings its pipeline; give --case alone")
    if len(case_files) > 2:
        raise click.UsageError(f"{len(case_files)} cases are given; a page has one, or two side by side")
    if len(case_files) == 2 and states is not None:
        raise click.UsageError("two cases are played as they are, without other states; leave --states out")
    if not case_files and database is None and pipeline is None:
        raise click.UsageError("give a PIPELINE, --case FILE, or --database DB --row ROW")
    try:
        cases = [read_case(Path(file)) for file in case_files]
        if len(cases) == 2:
            play = play_of_pair(cases)
        elif cases:
            play = play_of(line_of_case(cases[0]), states or AROUND)
        elif database is not None and row is not None:
            play = _row(database, row, run_id, views, pipeline, states or AROUND)
        else:
            play = play_of(_pipeline(str(pipeline), rows, crashes), states or STATES)
    except (BadCase, BadPipelineFile) as error:
        raise click.ClickException(harmless(str(error))) from error
    text = page(play)
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{output}: {error.strerror or error}") from error
    edges = [edge for state in play.tables["states"] for edge in state[3]]
    bound = ", the bound; --states allows more" if play.reached else ""
    counts = f"{len(play.tables['states']):,} states{bound}, {len(edges):,} steps, {len(text) / 1000:,.0f} kB"
    say(f"{output}  {counts}; open it in a browser")
    return ExitCode.HOLDS


def _pipeline(named: str, rows: int, crashes: int) -> Line:
    """A pipeline from a file, or an instance."""
    document: dict[str, Any]
    if Path(named).suffix in (".json", ".yaml", ".yml") or Path(named).is_file():
        document, own = document_in(Path(named))
        system = PipelineSystem(own, rows, crashes, InstanceOptions(invalid_rows=True))
        title = own.name
    else:
        instance = instance_called(named)
        if instance is None or instance.document is None or not isinstance(instance.system, PipelineSystem):
            raise click.ClickException(
                f"{named!r} is neither a file nor an instance; `fateline conform --list --scope deep` names the instances"
            )
        document, own = dict(instance.document), instance.system.pipeline
        system = PipelineSystem(own, rows, crashes, instance.system.options)
        title = instance.name
    given = "one row" if rows == 1 else f"{rows} rows"
    crashed = "" if not crashes else " and one crash" if crashes == 1 else f" and {crashes} crashes"
    about = f"Everything that can happen to {given}{crashed}. Choose what happens; the law says what is recorded."
    return Line(system, (), (), "", title, about, document)


def _row(database: str, row: str, run_id: str | None, views: str | None, pipeline_file: str | None, limit: int) -> Play:
    """A row of a trail, by the law if the law can step it."""
    pipeline = document_in(Path(pipeline_file)) if pipeline_file is not None else None
    with open_or_fail(Path(database), views) as trail:
        runs = [run for run in trail.runs() if run_id is None or run.run == run_id]
        if not runs:
            raise click.ClickException(f"{database} has no run {run_id or 'at all'}")
        run, found, _ = find_row(runs, row)
        try:
            return play_of(line_of_row(run, found, pipeline), limit)
        except BadTrail as problem:
            return play_of_records(run, found, str(problem))

"""`fateline diff`: compares two trails name by name.

Not here: the comparing (`fateline_oracle.trails.diff`).
"""

import json
from pathlib import Path

import click

from fateline_console.terminal import harmless, paint, say, table

from ..report.verdict import ExitCode
from ..trails.diff import Compared, compare_runs
from ..trails.pipeline import pipeline_of
from ..trails.reader import BadTrail, RunTrail
from .trail_options import open_or_fail, views_option
from .verify_pipeline import read_pipeline_or_fail

SHOWN = 40


@click.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option(
    "--pipeline", "path", metavar="FILE", help="The pipeline of both, if A does not record enough of it; JSON or YAML."
)
@views_option
@click.option("--run", "run_id", metavar="RUN", help="Compare this run of both. By default the last run of each.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def diff(first: str, second: str, path: str | None, views: str | None, run_id: str | None, as_json: bool) -> ExitCode:
    """Compare the trails A and B by the names of rows and tokens.

    A and B are anything that `fateline audit` reads. If a trail has several runs, the last one is compared.

    Exit status: 0 they are alike, or differ only as a schedule can make them differ, 1 they differ in something that no
    schedule explains, 3 wrong usage or input.
    """
    try:
        mine, theirs = (_one_run(Path(one), views, run_id) for one in (first, second))
        pipeline = read_pipeline_or_fail(Path(path)) if path is not None else pipeline_of(mine)
    except BadTrail as error:
        raise click.ClickException(str(error)) from error
    found = compare_runs(mine, theirs, pipeline)
    say(json.dumps(_as_json(found), indent=2) if as_json else _text(found, mine.run, theirs.run))
    return ExitCode.HOLDS if found.explained else ExitCode.BREACHED


def _one_run(path: Path, views: str | None, run_id: str | None) -> RunTrail:
    """The run of a trail; if there are several and none is chosen, the last one."""
    with open_or_fail(path, views) as trail:
        runs = [run for run in trail.runs() if run_id is None or run.run == run_id]
    if not runs:
        raise BadTrail(f"{path}: the trail has no run {run_id or 'at all'}")
    return runs[-1]


def _as_json(found: Compared) -> dict[str, object]:
    return {
        "schema": "fateline.diff/1",
        "explained": found.explained,
        "rows": found.rows,
        "alike": found.alike,
        "only_in_one": found.only_in_one,
        "differs": [one._asdict() for one in found.differs],
    }


def _text(found: Compared, mine: str, theirs: str) -> str:
    lines = [harmless(f"run {mine} of A, run {theirs} of B"), ""]
    for explained, title in ((False, "No schedule explains:"), (True, "A schedule explains:")):
        rows = [
            tuple(map(harmless, (one.what, one.mine, one.theirs)))
            for one in found.differs
            if one.explained is explained
        ]
        if rows:
            lines += [title, table(rows[:SHOWN], ("what", "A", "B"))]
            lines += [f"... and {len(rows) - SHOWN} more"] if len(rows) > SHOWN else []
            lines.append("")
    if found.only_in_one:
        lines += [f"Rows in one trail only: {harmless(', '.join(found.only_in_one[:SHOWN]))}", ""]
    word = "alike" if found.alike == found.rows and not found.only_in_one else "explained by the schedule"
    verdict = paint(word, "green", bold=True) if found.explained else paint("different", "red", bold=True)
    lines.append(f"{verdict}  {found.alike:,} of {found.rows:,} rows have the same records")
    return "\n".join(lines)

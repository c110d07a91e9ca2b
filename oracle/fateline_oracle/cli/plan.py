"""`fateline plan`: checks an engine that has only a command line, by runs that are planned for it.

Not here: what is planned (`conform/planned_rows.py`), and how a run is checked (`conform/whole_runs.py`).
"""

import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from fateline_console.terminal import Progress, paint, say
from fateline_model.checker.scopes import Instance, instances
from fateline_model.checker.systems import InstanceOptions, PipelineSystem

from ..compare.whole_run import WholeRun
from ..conform.campaign import BadSelection, Selection
from ..conform.plan import PlannedConformance, check_plan, replay_plan
from ..conform.planned_command import PLACES, write_plan
from ..conform.planned_rows import planned_rows
from ..conform.replay import BadCase, read_case
from ..render.conform_text import case_text, findings_text
from ..report.case import write_case
from ..report.law_results import COLOUR
from ..report.ledger import BadLedger
from ..report.verdict import ExitCode
from ..trails.pipeline_file import BadPipelineFile, document_in
from .engine_options import ledger_for, ledger_option, timeout_option

CASES_SHOWN = 3


@click.command()
@click.argument("pipeline", required=False)
@click.option(
    "--scope",
    type=click.Choice(["small", "standard"]),
    default="small",
    show_default=True,
    help="Without PIPELINE: its pipelines.",
)
@click.option(
    "--instance", "names", multiple=True, metavar="NAME", help="Only this instance of the scope, or those like 'fork*'."
)
@click.option(
    "--rows",
    type=click.IntRange(1, 100_000),
    default=200,
    show_default=True,
    help="Plan at most so many rows for a pipeline.",
)
@click.option("--to", "folder", metavar="DIR", help="Only write the plan: a folder for each pipeline.")
@click.option(
    "--run",
    "command",
    metavar="COMMAND",
    help="Run it for each pipeline; {pipeline}, {rows} or {csv}, and {trail} stand for files.",
)
@click.option("--views", metavar="FILE", help="SQL file of views through which the trail is read, if it is a database.")
@click.option("--again", metavar="CASE", help="With --run: only run this case again, which --cases wrote.")
@click.option("--cases", metavar="DIR", help="Write the shortest case of each finding to DIR.")
@ledger_option
@timeout_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def plan(
    pipeline: str | None,
    scope: str,
    names: tuple[str, ...],
    rows: int,
    folder: str | None,
    command: str | None,
    views: str | None,
    again: str | None,
    cases: str | None,
    ledger_file: str | None,
    as_json: bool,
) -> ExitCode:
    """Plan runs for an engine that can only run, or run them and check what it leaves.

    PIPELINE is a file; without it all pipelines of the scope are planned. Each row says in the column `verdict_<node>` what
    that node must answer, so the engine needs a plugin that answers so; examples/engines/command-line has one.

    Exit status: 0 the law holds, or the plan was written, 1 it is breached, 2 undetermined, 3 wrong usage or input.
    """
    if (folder is None) == (command is None):
        raise click.UsageError("give --to DIR to write the plan, or --run COMMAND to run it and check the trails")
    words = shlex.split(command or "")
    if command is not None and not any("{trail}" in word for word in words):
        raise click.UsageError(
            f"the COMMAND of --run must say where its trail is: {{{'}, {'.join(PLACES)}}} stand for files"
        )
    started = time.perf_counter()
    try:
        ledger = ledger_for(ledger_file, "")
        views_file = Path(views) if views is not None else None
        if again is not None:
            found = replay_plan(read_case(Path(again)), words, views_file, started, _reproduce(command, again=again))
            return _show(found, None, as_json)
        chosen = list(_chosen(pipeline, scope, names))
        if folder is not None:
            return _write(Path(folder), chosen, rows)
        with Progress() as progress:
            options = {"rows": str(rows), "scope": scope, "views": views, "ledger": ledger_file}
            found = check_plan(
                chosen, words, views_file, rows, started,
                _reproduce(command, pipeline=pipeline, instance=names, **options), ledger, progress.update,
            )  # fmt: skip
    except (BadCase, BadSelection, BadLedger, BadPipelineFile) as error:
        raise click.ClickException(str(error)) from error
    return _show(found, cases, as_json)


def _chosen(
    pipeline: str | None, scope: str, names: tuple[str, ...]
) -> Iterator[tuple[str, PipelineSystem, dict[str, Any]]]:
    """The name, the system and the document of each pipeline."""
    if pipeline is not None:
        document, own = document_in(Path(pipeline))
        yield own.name, PipelineSystem(own, 1, 0, InstanceOptions(invalid_rows=True)), document
        return
    table = [instance for instance in instances(scope) if isinstance(instance.system, PipelineSystem)]
    seen: set[str] = set()
    for place in Selection(names).places(table):
        instance: Instance = table[place]
        assert isinstance(instance.system, PipelineSystem)
        document = dict(instance.document or {})
        if repr(document) not in seen:
            seen.add(repr(document))
            yield instance.name, instance.system, document


def _write(folder: Path, chosen: list[tuple[str, PipelineSystem, dict[str, Any]]], rows: int) -> ExitCode:
    for number, (name, system, document) in enumerate(chosen):
        whole = WholeRun(tuple(planned_rows(system, rows)))
        write_plan(folder / f"{number:03d}", document, system, whole)
        say(f"{folder / f'{number:03d}'}  {len(whole.rows):,} rows  {name}")
    return ExitCode.HOLDS


def _reproduce(
    command: str | None, *, pipeline: str | None = None, instance: tuple[str, ...] = (), **options: str | None
) -> str:
    words = ["fateline", "plan", *([pipeline] if pipeline is not None else [])]
    words += [word for name in instance for word in ("--instance", name)]
    words += [word for key, value in options.items() if value is not None for word in (f"--{key}", value)]
    return shlex.join([*words, "--run", command or ""])


def _show(found: PlannedConformance, cases: str | None, as_json: bool) -> ExitCode:
    report = found.report
    if as_json:
        say(report.to_json())
    else:
        lines = findings_text(report.findings)
        for case in found.cases[:CASES_SHOWN]:
            lines += ["", f"{case['instance']}", "", case_text(case)]
        lines += ["", *(f"the engine broke down: {fault}" for fault in found.faults)]
        lines += map(str, report.known)
        lines += [f"skipped: {one.cases:,} {one.what}: {one.why}" for one in report.skipped if one.cases]
        counts = report.counts
        judged = sum(one.verdict is not None for one in report.laws.values())
        verdict = paint(report.verdict, COLOUR[report.verdict], bold=True)
        lines.append(
            f"{verdict}  {counts['pipelines']:,} pipelines, {counts['rows']:,} rows, {counts['steps']:,} steps, "
            f"{judged} of {len(report.laws)} laws judged, {report.seconds:.1f} s"
        )
        lines += [f"It is undetermined because {report.why}."] if report.why else []
        say("\n".join(lines).lstrip("\n"))
    if cases is not None:
        for place, case in enumerate(found.cases):
            write_case(Path(cases), f"{place:03d}-{case['instance']}", case)
        say(
            f"{len(found.cases)} cases: {cases}; run one again with: fateline plan --again CASE --run COMMAND",
            err=as_json,
        )
    return report.exit_code

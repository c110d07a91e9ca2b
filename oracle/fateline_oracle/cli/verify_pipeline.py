"""`fateline verify --pipeline FILE`: checks every behaviour that the law allows around one pipeline.

The file is not trusted: it is bounded and parsed by safe loaders, and all its problems are reported at once. Not here: the
named scopes (`verify.py`).
"""

import time
from collections import Counter
from pathlib import Path

import click

from fateline_console.terminal import Progress, paint
from fateline_model import LAW_VERSION, Pipeline
from fateline_model.checker.search import explore
from fateline_model.checker.systems import InstanceOptions, PipelineSystem
from fateline_model.checker.verify import finding_of
from fateline_model.laws import ALL

from ..render.counterexample import show
from ..report.law_results import COLOUR, searched
from ..report.verdict import ExitCode, Finding, Report
from ..trails.pipeline_file import BadPipelineFile, read_pipeline


def read_pipeline_or_fail(path: Path) -> Pipeline:
    """The pipeline in a file. Raises one usage error that lists all its problems."""
    try:
        return read_pipeline(path)
    except BadPipelineFile as error:
        raise click.UsageError(str(error)) from None


def verify_pipeline(path: Path, rows: int, crashes: int, limit: int, as_json: bool) -> ExitCode:
    """Explore everything that may happen around the pipeline, with all verdicts and with invalid rows."""
    pipeline = read_pipeline_or_fail(path)
    system = PipelineSystem(pipeline, rows, crashes, InstanceOptions(invalid_rows=True))
    started = time.perf_counter()
    with Progress() as progress:
        found = explore(system, ALL, limit=limit, progress=lambda states: progress.update(f"{states:,} states"))
    example = finding_of(found)
    breaches = example.laws if example is not None else []
    laws = {
        law: result
        for law, result in searched(found.checks, Counter(law for law, _ in breaches)).items()
        if result.checked or result.verdict is None
    }
    prevented = []
    if found.bound_reached:
        prevented.append(f"the bound of {limit:,} states was reached: raise --limit, or lower --rows or --crashes")
    if found.stuck is not None:
        prevented.append("a state is stuck: no step is possible, and the run is not over")
    report = Report(
        law_version=LAW_VERSION,
        scope=str(path),
        seed=None,
        laws=laws,
        counts={"states": len(found.states), "transitions": found.transitions, "rows": rows, "crashes": crashes},
        findings=tuple(Finding(law, message) for law, message in breaches),
        prevented=tuple(prevented),
        seconds=time.perf_counter() - started,
        reproduce=f"fateline verify --pipeline {path} --rows {rows} --crashes {crashes} --limit {limit}",
    )
    if as_json:
        click.echo(report.to_json())
        return report.exit_code
    for warning in pipeline.warnings:
        click.echo(f"note: {warning}")
    if example is not None:
        click.echo(show(example.laws, example.steps))
    for reason in report.prevented:
        click.echo(f"- {reason}")
    click.echo(
        f"{paint(report.verdict, COLOUR[report.verdict], bold=True)}  {pipeline.name}: {len(found.states):,} states, "
        f"{found.transitions:,} steps, {sum(found.checks.values()):,} checks of {sum(1 for r in laws.values() if r.checked)} "
        f"laws, {report.seconds:.1f} s"
    )
    return report.exit_code

"""`fateline verify --pipeline FILE`: every behaviour that the law allows around one pipeline, judged.

The file is somebody else's: it is bounded, parsed by safe loaders, checked as a whole, and every problem is said at
once. Not here: the named scopes (`verify.py`).
"""

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import click
import yaml

from fateline_model import LAW_VERSION, IllFormed, Pipeline, load
from fateline_model.checker.search import explore
from fateline_model.checker.systems import Menu, PipelineSystem
from fateline_model.checker.verify import finding_of
from fateline_model.laws import ALL

from ..render.counterexample import show
from ..report.law_results import COLOUR, law_results
from ..report.terminal import Progress, paint
from ..report.verdict import ExitCode, Finding, Report, overall_verdict

LARGEST = 1_000_000


def read_pipeline(path: Path) -> Pipeline:
    """The pipeline in a JSON or YAML file, or one click error that lists everything wrong with it."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise click.UsageError(f"{path}: larger than {LARGEST:,} bytes, which no pipeline needs")
        text = content.decode("utf-8")
        return load(
            json.loads(text, object_pairs_hook=_each_once) if path.suffix == ".json" else yaml.load(text, _PlainYaml)
        )
    except IllFormed as problem:
        raise click.UsageError(f"{path}: {problem}") from None
    except OSError as error:
        raise click.UsageError(f"{path}: {error.strerror}") from None
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise click.UsageError(f"{path}: not readable as {path.suffix.lstrip('.') or 'YAML'}: {error}") from None


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object whose keys are distinct; of a repeated one, JSON would silently keep the last."""
    repeated = [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]
    if repeated:
        raise ValueError(f"repeated in one object: {', '.join(repeated)}")
    return dict(pairs)


class _PlainYaml(yaml.SafeLoader):
    """YAML read safely as what JSON could say: keys are distinct texts, the labels `true` and `false` among them."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        _each_once([(str(key.value), value) for key, value in node.value])
        return {_label(key): value for key, value in super().construct_mapping(node, deep).items()}


def _label(key: object) -> object:
    if isinstance(key, bool):
        return "true" if key else "false"
    return "null" if key is None else key


def verify_pipeline(path: Path, rows: int, crashes: int, limit: int, as_json: bool) -> ExitCode:
    """Explore everything that may happen around the pipeline, with every verdict and invalid rows."""
    pipeline = read_pipeline(path)
    system = PipelineSystem(pipeline, rows, crashes, Menu(invalid_rows=True))
    started = time.perf_counter()
    with Progress() as progress:
        found = explore(system, ALL, limit=limit, progress=lambda states: progress.update(f"{states:,} states"))
    example = finding_of(found)
    breaches = example.laws if example is not None else []
    laws = {
        law: result
        for law, result in law_results(found.checks, Counter(law for law, _ in breaches)).items()
        if result.checked or result.verdict is None
    }
    verdict = overall_verdict(laws.values(), bound_reached=found.bound_reached, error=found.stuck is not None)
    report = Report(
        verdict=verdict,
        law_version=LAW_VERSION,
        scope=str(path),
        seed=None,
        laws=laws,
        counts={"states": len(found.states), "transitions": found.transitions, "rows": rows, "crashes": crashes},
        findings=tuple(Finding(law, message) for law, message in breaches),
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
    if found.bound_reached:
        click.echo(f"- the bound of {limit:,} states was reached: raise --limit, or lower --rows or --crashes")
    if found.stuck is not None:
        click.echo("- a state is stuck: nothing can happen any more, and the run is not over")
    click.echo(
        f"{paint(report.verdict, COLOUR[report.verdict], bold=True)}  {pipeline.name}: {len(found.states):,} states, "
        f"{found.transitions:,} steps, {sum(found.checks.values()):,} checks of {sum(1 for r in laws.values() if r.checked)} "
        f"laws, {report.seconds:.1f} s"
    )
    return report.exit_code

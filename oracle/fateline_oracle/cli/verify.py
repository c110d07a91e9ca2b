"""`fateline verify`: model-checks the law at a scope, on its mutants, or around a given pipeline.

Not here: the exploring (`fateline_model.checker`) and the totals (`fateline_oracle.law.verification`).
"""

import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from fateline_console.terminal import Progress, paint, table
from fateline_model import LAW_VERSION, LAWS
from fateline_model.checker.mutants import MUTANTS
from fateline_model.checker.scopes import NAMED, Sizes, instance_called
from fateline_model.checker.verify import UNREACHABLE, Step
from fateline_model.laws import ALL, Law

from ..law.verification import (
    MutantReport,
    ScopeReport,
    judge_mutants,
    laws_without_mutant,
    verify_scope,
    write_lock,
)
from ..render.counterexample import expected_last, show
from ..report.case import case_document, write_case
from ..report.law_results import COLOUR, law_results, searched
from ..report.parts import in_shard, part_json
from ..report.verdict import ExitCode, Finding, Report, Skipped
from ..shard import WHOLE, Shard, shard_note
from .engine_options import shard_option
from .verify_shards import LARGEST_SPLIT, asked_of, results_of

JOBS = max(1, min(8, os.cpu_count() or 1))


@click.command()
@click.option(
    "--scope", type=click.Choice(NAMED), default="standard", help="How many instances to explore.", show_default=True
)
@click.option("--self-test", is_flag=True, help="Explore the mutants of the law instead; each must be caught.")
@click.option("--mutant", metavar="NAME", help="Show the counterexample of one mutant.")
@click.option("--pipeline", "path", metavar="FILE", help="Explore the law around this pipeline (JSON or YAML).")
@click.option(
    "--rows", type=click.IntRange(1, 6), default=1, show_default=True, help="With --pipeline: number of rows."
)
@click.option(
    "--all",
    "largest",
    type=click.IntRange(2, 7),
    metavar="N",
    help="Explore every pipeline up to this size, once up to renaming.",
)
@click.option(
    "--crashes",
    type=click.IntRange(0, 3),
    help="With --pipeline or --all: number of crashes in one run. Default: 1 with --pipeline, 0 with --all.",
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=2_000_000,
    show_default=True,
    help="With --pipeline: largest number of states.",
)
@click.option("--jobs", type=click.IntRange(1, 64), default=JOBS, help="Number of processes.", show_default=True)
@click.option("--lock", is_flag=True, help="For maintainers: keep the counts of this scope after a change of the law.")
@click.option("--cases", metavar="DIR", help="Write every counterexample to DIR, one JSON file each.")
@shard_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def verify(
    scope: str,
    self_test: bool,
    mutant: str | None,
    path: str | None,
    rows: int,
    largest: int | None,
    crashes: int | None,
    limit: int,
    jobs: int,
    lock: bool,
    cases: str | None,
    shard: Shard | None,
    as_json: bool,
) -> ExitCode:
    """Model-check the law: visit every state of a scope, and check every law in every step.

    Exit status: 0 the law holds, 1 it is breached, 2 undetermined, 3 wrong usage or input.
    """
    if sum([self_test, mutant is not None, path is not None, largest is not None]) > 1:
        raise click.UsageError("--self-test, --mutant, --pipeline and --all exclude each other")
    if shard is not None and (self_test or mutant is not None or path is not None or lock):
        raise click.UsageError(
            "--shard is for a scope or --all: leave out --self-test, --mutant, --pipeline and --lock"
        )
    if shard is not None and largest is not None and largest > LARGEST_SPLIT:
        raise click.UsageError(f"--shard splits the pipelines up to size {LARGEST_SPLIT}")
    if path is not None:
        from .verify_pipeline import verify_pipeline

        return verify_pipeline(Path(path), rows, 1 if crashes is None else crashes, limit, as_json)
    if mutant is not None:
        return _show_mutant(mutant, cases)
    if self_test:
        return _self_test(jobs, as_json)
    with Progress() as progress:
        chosen = scope if largest is None else Sizes(largest, crashes or 0)
        found = verify_scope(chosen, jobs=jobs, shard=shard or WHOLE, progress=progress.update)
    if lock and not (found.findings or found.unfinished):
        write_lock(found)
        found.drift = []
    reproduce = _command(chosen)
    report = verify_report(found, chosen, reproduce, cases)
    if shard is not None:
        part = part_json("verify", shard, asked_of(chosen), reproduce, *results_of(found))
        report = replace(report, shard=part, reproduce=in_shard(reproduce, shard))
    click.echo(report.to_json() if as_json else verify_text(found, report))
    return report.exit_code


# ---------------------------------------------------------------------------------------------------------- a scope


def verify_report(found: ScopeReport, chosen: str | Sizes, reproduce: str, cases: str | None) -> Report:
    """The verdict on the law. Counterexamples are written to the folder `cases`, if it is named."""
    breached = Counter(law for _, finding in found.findings for law, _ in finding.laws)
    never = "nothing in these pipelines asks about it" if isinstance(chosen, Sizes) else None
    never = never if found.is_whole else f"{shard_note(found.shards)} verified"
    laws = searched(found.checks, breached, never)
    stuck = [f"a state is stuck: {v.name}" for v, finding in found.findings if not finding.laws]
    return Report(
        law_version=LAW_VERSION,
        scope=found.scope,
        seed=None,
        laws=laws,
        counts={
            "instances": len(found.verified),
            "states": found.states,
            "transitions": found.transitions,
            "unreduced_states": sum(v.unreduced for v in found.verified),
            "checks": sum(found.checks.values()),
        },
        skipped=tuple(
            Skipped(law.id, law.elsewhere or never or "", (law.id,)) for law in ALL if laws[law.id].verdict is None
        ),
        findings=tuple(
            Finding(law, f"{v.name}: {message}", case=_write_case(cases, v.name, finding.laws, finding.steps, chosen))
            for v, finding in found.findings
            for law, message in finding.laws
        ),
        prevented=(*found.gaps, *stuck, *(f"claimed unreachable, and met: {kind}" for kind in found.disproved)),
        seconds=found.total_seconds,
        reproduce=reproduce,
    )


def _command(chosen: str | Sizes) -> str:
    """The command that verifies these instances."""
    if isinstance(chosen, str):
        return f"fateline verify --scope {chosen}"
    return f"fateline verify --all {chosen.largest}{f' --crashes {chosen.crashes}' if chosen.crashes else ''}"


def verify_text(found: ScopeReport, report: Report) -> str:
    """The whole result, with each counterexample."""
    at = "around " if found.scope not in NAMED else "at scope "
    parts = [f"The law, version {LAW_VERSION}, {at}{found.scope}", "", _families(found), ""]
    parts.append(_laws(report))
    parts += ["", *_claims(found)]
    for verified, finding in found.findings:
        laws = finding.laws or [("stuck", "nothing can happen any more, and the run is not over")]
        parts += ["", f"{verified.name}: {len(finding.steps)} steps to a breach", "", show(finding.laws, finding.steps)]
        parts += [f"     {message}" for law, message in laws if law == "stuck"]
    parts += ["", *(f"- {gap}" for gap in found.gaps)]
    parts += [f"- claimed unreachable, and met: {kind}" for kind in found.disproved]
    counts = report.counts
    said = f"{counts['states']:,} states, {counts['transitions']:,} steps, {counts['checks']:,} checks of laws"
    instances = f"{counts['instances']} instances"
    verdict = paint(report.verdict_text, COLOUR[report.verdict], bold=True)
    parts.append(f"{verdict}  {instances}, {said}, {report.seconds:.1f} s")
    return "\n".join(parts)


def _families(found: ScopeReport) -> str:
    """One line for each family: instances, states of the explored graphs, unreduced states, states of two rows."""
    rows: dict[str, list[float]] = {}
    for verified in found.verified:
        if verified.machine == "kernel":
            continue
        two = sum(count.states for count in verified.counts if count.rows == 2)
        line = rows.setdefault(verified.family, [0, 0, 0, 0, 0, 0.0])
        for place, value in enumerate((1, verified.states, verified.transitions, verified.unreduced, two)):
            line[place] += value
        line[5] += found.seconds.get(verified.name, 0.0)
    cells = [
        (family, *(f"{int(v):,}" for v in values[:4]), f"{int(values[4]):,}" if values[4] else "", f"{values[5]:.1f}")
        for family, values in rows.items()
    ]
    return right(cells, ("family", "instances", "states", "steps", "unreduced", "of two rows", "seconds"))


def right(cells: list[tuple[str, ...]], headers: tuple[str, ...]) -> str:
    """A table whose columns after the first are aligned to the right."""
    widths = [max(len(row[place]) for row in [headers, *cells]) for place in range(len(headers))]
    lines = [headers, tuple("-" * width for width in widths), *cells]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))]).rstrip()
        for line in lines
    )


def _laws(report: Report) -> str:
    rows = []
    for law, result in report.laws.items():
        if result.verdict is not None:
            verdict = paint(result.verdict, COLOUR[result.verdict])
            rows.append((law, LAWS[law].title, result.checked, verdict, result.why))
    return table(rows, ("law", "", "checks", "verdict", "why"))


def _claims(found: ScopeReport) -> list[str]:
    if not found.is_whole:
        later = "the locked counts, and whether everything was met, are checked when all shards are merged"
        return [f"{shard_note(found.shards).capitalize()} verified; {later}."]
    lines = [
        f"Not judged by exploring: {', '.join(law.id for law in ALL if law.elsewhere and not found.checks[law.id])}."
    ]
    lines += [f"Claimed unreachable: {kind}. {why}" for kind, why in UNREACHABLE.items()]
    if not found.unfinished and not any(not finding.laws for _, finding in found.findings):
        lines.append("No state is stuck before the end, and every run ends: no step leads back.")
    if not found.unmet and found.scope in NAMED:
        lines.append("Every kind of stimulus and every refusal was met, except those claimed unreachable.")
    return lines


# ---------------------------------------------------------------------------------------------------- its mutants


def _write_case(
    folder: str | None,
    instance: str,
    laws: Sequence[tuple[str, str]],
    steps: Sequence[Step],
    scope: str | Sizes,
    mutant: str = "",
) -> str | None:
    """Write a counterexample if the caller wants it. Returns its path, or None."""
    if folder is None:
        return None
    found = instance_called(instance, scope)
    document = case_document(
        title=mutant or "; ".join(message for _, message in laws),
        machine=found.machine if found is not None else "kernel",
        instance=instance,
        pipeline=found.document if found is not None else None,
        laws=laws,
        steps=steps,
        expected=expected_last(instance, steps, scope),
        reproduce=f"fateline verify --mutant {mutant}" if mutant else _command(scope),
    )
    return str(write_case(Path(folder), mutant or instance, document))


def _show_mutant(name: str, cases: str | None) -> ExitCode:
    chosen = [mutant for mutant in MUTANTS if mutant.name == name]
    if not chosen:
        raise click.UsageError(f"there is no mutant {name!r}; the mutants are: {', '.join(m.name for m in MUTANTS)}")
    (report,) = judge_mutants(chosen)
    mutant = report.mutant
    click.echo(f"{mutant.name}: {mutant.mistake}")
    click.echo(f"{mutant.file}, explored as: {report.instance}\n")
    for sign, text in (("-", mutant.find), ("+", mutant.replace)):
        for line in text.splitlines():
            click.echo(f"  {sign} {line}")
    click.echo("\n" + show(report.laws, report.steps, expected_last(report.instance, report.steps)))
    written = _write_case(cases, report.instance, report.laws, report.steps, "standard", mutant.name)
    if written is not None:
        click.echo(f"\nThe case as data: {written}")
    killed = (
        paint("caught", "green", bold=True) if report.killed else paint("not caught by its own law", "red", bold=True)
    )
    click.echo(f"\n{killed}  {len(report.steps)} steps, {report.seconds:.1f} s")
    return ExitCode.HOLDS if report.killed else ExitCode.BREACHED


def _self_test(jobs: int, as_json: bool) -> ExitCode:
    started = time.perf_counter()
    with Progress() as progress:
        reports = judge_mutants(jobs=jobs, progress=progress.update)
    missing = laws_without_mutant()
    report = _mutant_report(reports, missing, time.perf_counter() - started)
    if as_json:
        click.echo(report.to_json())
        return report.exit_code
    rows = [
        (r.mutant.law, r.mutant.name, len(r.steps) or None, _fate(r), " ".join(r.others), r.mutant.mistake)
        for r in reports
    ]
    click.echo(table(rows, ("law", "mutant", "steps", "", "also breaks", "the mistake")))
    for law in missing:
        click.echo(f"- law {law} is checked in the model, but no mutant breaks it")
    killed = sum(r.killed for r in reports)
    verdict = paint(report.verdict, COLOUR[report.verdict], bold=True)
    click.echo(f"\n{verdict}  {killed} of {len(reports)} mutants caught by their own law, {report.seconds:.1f} s")
    return report.exit_code


def _fate(report: MutantReport) -> str:
    return paint("caught", "green") if report.killed else paint("ALIVE" if not report.laws else "MISSED", "red")


def _mutant_report(reports: list[MutantReport], missing: list[str], seconds: float) -> Report:
    """The report of a self-test. It holds if every mutant is caught by its law; the checks of a law are its mutants."""
    own = Counter(one.mutant.law for one in reports)

    def not_judged(law: Law) -> str | None:
        return None if own[law.id] or law.id in missing else law.elsewhere

    def undecided(law: Law) -> str | None:
        alive = [one.mutant.name for one in reports if one.mutant.law == law.id and not one.killed]
        return "no mutant" if not own[law.id] else f"not caught: {', '.join(alive)}" if alive else None

    laws = law_results(own, {}, not_judged=not_judged, undecided=undecided)
    return Report(
        law_version=LAW_VERSION,
        scope="mutants",
        seed=None,
        laws=laws,
        counts={"mutants": len(reports), "caught": sum(r.killed for r in reports)},
        seconds=seconds,
        reproduce="fateline verify --self-test",
    )

"""`fateline zoo`: checks engines with one seeded bug each, and shows which law names each bug first, after how many steps.

Not here: the mutants (`fateline_oracle.mutants`), and the checking of one (`fateline_oracle.mutants.kill`).
"""

import shlex
import time
from collections import Counter
from collections.abc import Sequence

import click

from fateline_console.terminal import Progress, paint, table
from fateline_model import LAW_VERSION
from fateline_model.laws import Law

from ..conform.instance import Strategy
from ..engines import engine_of
from ..mutants import MUTANTS
from ..mutants.case import case_of
from ..mutants.kept import write_cases
from ..mutants.matrix import Matrix, census, write_matrix
from ..render.conform_text import case_text
from ..report.law_results import law_results
from ..report.verdict import ExitCode, Finding, Report
from .engine_options import timeout_option
from .html_option import html_option, write_page
from .verify import JOBS


@click.command()
@click.argument("names", nargs=-1)
@click.option("--list", "only_list", is_flag=True, help="Only list the names of the bugs.")
@click.option("--strategies", is_flag=True, help="Compare all strategies by the steps they need. Takes some minutes.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Number that decides random walks.")
@click.option("--jobs", type=click.IntRange(1, 64), default=JOBS, help="Number of processes.", show_default=True)
@click.option("--lock", is_flag=True, help="For maintainers: keep the result from which the book is made.")
@click.option("--show", is_flag=True, help="Show the counterexample of each bug.")
@html_option
@timeout_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def zoo(
    names: tuple[str, ...],
    only_list: bool,
    strategies: bool,
    seed: int,
    jobs: int,
    lock: bool,
    show: bool,
    html: str | None,
    as_json: bool,
) -> ExitCode:
    """Check engines with one seeded bug each: all of them, or those with these NAMES.

    Exit status: 0 every bug is noticed by its law and the engine without a bug is not, 1 a bug is not noticed by its law, 2 the
    engine without a bug is noticed, 3 wrong usage.
    """
    unknown = [name for name in names if name not in MUTANTS]
    if unknown:
        raise click.UsageError(f"there is no seeded bug {unknown[0]!r}; `fateline zoo --list` lists them all")
    if only_list:
        click.echo(table([(a.name, a.law, a.says) for a in MUTANTS.values()], ("bug", "law", "the mistake")))
        return ExitCode.HOLDS
    if lock and (names or not strategies):
        raise click.UsageError("--lock needs --strategies and no names, because all results are kept together")
    started = time.perf_counter()
    chosen = [MUTANTS[name] for name in names] or list(MUTANTS.values())
    tried = tuple(Strategy) if strategies else (Strategy.REFUSALS, Strategy.TORTURE)
    with Progress() as progress:
        found = census(
            chosen, tried, open_engine=engine_of, seed=seed, jobs=jobs, clean=not names, progress=progress.update
        )
    found.seconds = time.perf_counter() - started
    report = _report(found, names, seed)
    click.echo(report.to_json() if as_json else _text(found))
    if lock and found.holds:
        write_matrix(found)
        write_cases(found.hunted)
    if html is not None:
        from ..render.zoo_html import render_zoo

        cases = {one.bug.name: case_of(one) for one in found.hunted if one.found is not None}
        click.echo(write_page(html, render_zoo(report, cases)), err=as_json)
    if show:
        for hunted in found.hunted:
            if hunted.found is not None:
                click.echo(f"\n{hunted.bug.name}, in {hunted.instance}\n\n{case_text(case_of(hunted))}")
    return report.exit_code


def _report(found: Matrix, names: Sequence[str], seed: int) -> Report:
    """A law holds if each bug that breaks it is noticed by it, and is breached by each that is not."""
    own = Counter(one.bug.law for one in found.hunted)
    missed = [one for one in found.hunted if not one.killed]

    def not_judged(law: Law) -> str | None:
        return None if own[law.id] else found.without.get(law.id, "no seeded bug of this law was chosen")

    laws = law_results(own, Counter(one.bug.law for one in missed), not_judged=not_judged)
    return Report(
        law_version=LAW_VERSION,
        scope="zoo",
        seed=seed,
        laws=laws,
        counts={"bugs": len(found.hunted), "noticed": sum(one.killed for one in found.hunted)},
        findings=tuple(
            Finding(one.bug.law, f"{one.bug.name} is not noticed: {one.bug.says}", kind=one.bug.name) for one in missed
        ),
        prevented=() if found.clean is not False else ("the engine without a bug was noticed as if it had one",),
        seconds=found.seconds,
        reproduce=shlex.join(["fateline", "zoo", *names, "--seed", str(seed)]),
        details=found.as_json(),
    )


def _text(found: Matrix) -> str:
    rows = [
        (
            one.bug.name,
            (one.bug.guard and f"guard {one.bug.guard}") or one.bug.law,
            one.first or "",
            one.steps,
            paint("killed", "green") if one.killed else paint("ALIVE" if not one.noticed else "MISSED", "red"),
            one.bug.says,
        )
        for one in found.hunted
    ]
    parts = [table(rows, ("bug", "must be noticed by", "named first", "steps", "", "the mistake"))]
    if found.alone:
        parts += ["", "What each law alone catches (no other law is named, except D1, D2, Z1 and Z2):"]
        parts.append(table([(law, len(who), ", ".join(who)) for law, who in found.alone.items()], ("law", "", "bugs")))
    if found.medians:
        parts += ["", "Median steps until a bug is noticed:"]
        rows_of = [(s, m.noticed, m.bugs, m.median if m.noticed else None) for s, m in found.medians.items()]
        parts.append(table(rows_of, ("strategy", "noticed", "of", "median steps")))
    parts.append("")
    if found.clean is not None:
        parts += [f"- law {law} has no seeded bug: {why}" for law, why in found.without.items()]
        parts.append(f"The engine without a bug: {'nothing noticed' if found.clean else 'NOTICED AS IF IT HAD A BUG'}.")
    verdict = paint("all killed", "green", bold=True) if found.holds else paint("not all killed", "red", bold=True)
    parts.append(f"{verdict}  {sum(one.killed for one in found.hunted)} of {len(found.hunted)}, {found.seconds:.1f} s")
    return "\n".join(parts)

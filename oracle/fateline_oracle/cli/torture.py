"""`fateline torture`: crash an engine at every write boundary, and see what becomes of it.

Not here: the crashing and the judging (`fateline_oracle.crash`).
"""

import secrets
import shlex
from pathlib import Path

import click

from fateline_console.terminal import Progress
from fateline_model.checker.scopes import NAMED

from ..crash.campaign import NoSuchFamily, crash_scope
from ..crash.figures import keep_figures
from ..crash.kill import KillResult, disturb, pipelines_in
from ..crash.verdict import RECOVERY, conclude
from ..engines import NoSuchEngine, engine_of
from ..mutants import NoSuchMutant
from ..ports.port import EngineFault
from ..render.crash_text import crash_text
from ..report.case import write_case
from ..report.verdict import ExitCode, Skipped, Verdict
from .engine_options import timeout_option
from .verify import JOBS

EXAMPLES = Path(__file__).parents[3] / "examples"


@click.command()
@click.argument("engine", default="")
@click.option("--scope", type=click.Choice(NAMED[:2]), default="small", help="Which scenarios.", show_default=True)
@click.option("--depth", type=click.IntRange(1, 3), default=1, show_default=True, help="Crashes in one run, in all.")
@click.option("--family", help="Only the scenarios of this family of the scope.")
@click.option("--kill", "kills", type=click.IntRange(0), default=0, help="So many real kills of real processes too.")
@click.option("--faults", type=click.IntRange(0), default=0, help="So many writes of real processes that fail too.")
@click.option("--examples", metavar="DIR", help="The folders of pipelines that those processes run.")
@click.option("--seed", type=click.IntRange(0), help="For kills and faults; drawn if not given, and printed.")
@click.option("--jobs", type=click.IntRange(1, 64), default=JOBS, help="How many processes.")
@click.option("--cases", metavar="DIR", help="Write every counterexample there, one JSON file each.")
@click.option("--lock", is_flag=True, help="Keep the figures, from which the book is made.")
@timeout_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead.")
def torture(
    engine: str,
    scope: str,
    depth: int,
    family: str | None,
    kills: int,
    faults: int,
    examples: str | None,
    seed: int | None,
    jobs: int,
    cases: str | None,
    lock: bool,
    as_json: bool,
) -> ExitCode:
    """Crash ENGINE at every write boundary, and resume it: named as for `conform`, nothing is the reference engine.

    What a crash leaves is judged, then what the resumed run comes to. The longest scenario of each pipeline is crashed
    twice in any case.
    """
    seed = secrets.randbelow(2**31) if seed is None else seed
    skipped: list[Skipped] = []
    killed = None
    try:
        with Progress() as progress:
            campaign = crash_scope(
                engine, scope, open_engine=engine_of, depth=depth, jobs=jobs, family=family, progress=progress.update
            )
            if kills or faults:
                if engine:
                    told = "processes are killed of the reference engine only: this one has no command of ours"
                    skipped.append(Skipped("processes", told, RECOVERY, kills + faults))
                else:
                    killed = _disturbed(examples, kills, faults, seed, jobs, progress)
    except (NoSuchEngine, NoSuchMutant, NoSuchFamily) as error:
        raise click.ClickException(str(error)) from error
    except EngineFault as fault:
        click.echo(f"The engine cannot be tortured: {fault}", err=True)
        return ExitCode.UNDETERMINED
    words = ["fateline", "torture", *([engine] if engine else []), "--scope", scope, "--depth", str(depth)]
    words += ["--family", family] if family else []
    words += ["--kill", str(kills), "--faults", str(faults), "--seed", str(seed)] if kills or faults else []
    found = conclude(campaign, killed, skipped, shlex.join(words))
    click.echo(found.report.to_json() if as_json else crash_text(found))
    if lock and not engine and found.report.verdict is Verdict.HOLDS:
        keep_figures(found.report)
    if cases is not None:
        for place, case in enumerate(found.cases):
            write_case(Path(cases), f"{place:03d}-{case['instance']}", case)
        told = f"{len(found.cases)} counterexamples: {Path(cases).resolve()}; fateline replay steps one again"
        click.echo(told, err=as_json)
    return found.report.exit_code


def _disturbed(examples: str | None, kills: int, faults: int, seed: int, jobs: int, progress: Progress) -> KillResult:
    folder = Path(examples) if examples is not None else EXAMPLES
    pipelines = pipelines_in(folder)
    if not pipelines:
        raise click.UsageError(f"{folder} has no folder with a pipeline.yaml: name another with --examples")
    return disturb(pipelines, kills, faults, seed=seed, jobs=jobs, progress=progress.update)

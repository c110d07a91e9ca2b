"""`fateline torture`: crashes an engine at every write boundary, resumes it, and checks the result.

Not here: the crashing and the judging (`fateline_oracle.crash`).
"""

import secrets
import shlex
from dataclasses import replace
from pathlib import Path

import click

from fateline_console.terminal import Progress, say
from fateline_model.checker.scopes import NAMED

from ..crash.campaign import NoSuchFamily, crash_scope
from ..crash.figures import keep_figures
from ..crash.kill import KillResult, disturb, pipelines_in
from ..crash.shard_results import asked_of, results_of
from ..crash.verdict import CrashConformance, conclude, processes_not_run
from ..engines import NoSuchEngine, engine_of
from ..mutants import NoSuchMutant
from ..ports.port import EngineFault
from ..render.crash_text import crash_text
from ..report.case import write_cases
from ..report.parts import in_shard, part_json
from ..report.verdict import ExitCode, Verdict
from ..shard import WHOLE, Shard
from .engine_options import shard_option, timeout_option
from .html_option import html_option, write_page
from .torture_any import torture_any
from .verify import JOBS

EXAMPLES = Path(__file__).parents[3] / "examples"


@click.command()
@click.argument("engine", default="")
@click.option(
    "--scope", type=click.Choice(NAMED[:2]), default="small", help="The scope of the scenarios.", show_default=True
)
@click.option("--depth", type=click.IntRange(1, 3), default=1, show_default=True, help="Number of crashes in one run.")
@click.option("--family", help="Only the scenarios of this family of instances.")
@click.option(
    "--kill", "kills", type=click.IntRange(0), default=0, help="Number of real processes to kill in addition."
)
@click.option(
    "--faults", type=click.IntRange(0), default=0, help="Number of real processes whose writes fail, in addition."
)
@click.option("--examples", metavar="DIR", help="Folder of the example pipelines for --kill and --faults.")
@click.option(
    "--seed", type=click.IntRange(0), help="Number that decides kills and faults. Default: drawn, and printed."
)
@click.option("--jobs", type=click.IntRange(1, 64), default=JOBS, help="Number of processes.", show_default=True)
@click.option("--cases", metavar="DIR", help="Write every counterexample to DIR, one JSON file each.")
@click.option("--lock", is_flag=True, help="For maintainers: keep the counts from which the book is made.")
@click.option("--start", metavar="CMD", help="Crash any engine: the command that starts a run, in an empty folder.")
@click.option(
    "--resume", metavar="CMD", help="With --start: the command that goes on after a crash. Default: the same."
)
@click.option(
    "--database", metavar="FILE", help="With --start: the database that is written, in the folder of the run."
)
@click.option("--effects", multiple=True, metavar="FILE", help="With --start: a file of effects, one on each line.")
@click.option("--views", metavar="FILE", help="With --start: SQL file of views through which the database is read.")
@html_option
@shard_option
@timeout_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
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
    start: str | None,
    resume: str | None,
    database: str | None,
    effects: tuple[str, ...],
    views: str | None,
    html: str | None,
    shard: Shard | None,
    as_json: bool,
) -> ExitCode:
    """Crash ENGINE at every write boundary, resume it, and check what the crash left and how the run ended.

    ENGINE is `module:factory` or a seeded bug `zoo:NAME`. Default: the reference engine.

    The longest scenario of each pipeline is always crashed twice in one run.

    With --start any engine is crashed: the command is killed at each of its commits (a Python process with SQLite), or at
    random moments, --resume goes on, and what is left is audited and compared with a run without a crash.

    Exit status: 0 the law holds, 1 it is breached, 2 undetermined, 3 wrong usage or input.
    """
    if shard is not None:
        if start is not None or lock:
            raise click.UsageError("--shard is for the scenarios of a scope: leave out --start and --lock")
        if (kills or faults) and seed is None:
            raise click.UsageError("--shard with --kill or --faults needs --seed: the same number on each machine")
    seed = secrets.randbelow(2**31) if seed is None else seed
    if start is not None:
        return torture_any(start, resume, database, effects, views, seed, html, as_json)
    killed = None
    try:
        with Progress() as progress:
            campaign = crash_scope(
                engine, scope, open_engine=engine_of, depth=depth, jobs=jobs, family=family,
                shard=shard or WHOLE, progress=progress.update,
            )  # fmt: skip
            if (kills or faults) and not engine:
                killed = _disturbed(examples, kills, faults, seed, jobs, shard or WHOLE, progress)
    except (NoSuchEngine, NoSuchMutant, NoSuchFamily) as error:
        raise click.ClickException(str(error)) from error
    except EngineFault as fault:
        say(f"The engine cannot be crash-tested: {fault}", err=True)
        return ExitCode.UNDETERMINED
    words = ["fateline", "torture", *([engine] if engine else []), "--scope", scope, "--depth", str(depth)]
    words += ["--family", family] if family else []
    words += ["--kill", str(kills), "--faults", str(faults), "--seed", str(seed)] if kills or faults else []
    reproduce = shlex.join(words)
    found = conclude(campaign, killed, processes_not_run(engine, kills, faults), reproduce)
    if shard is not None:
        asked = asked_of(campaign, family=family, kills=kills, faults=faults, seed=seed)
        part = part_json("torture", shard, asked, reproduce, *results_of(campaign, killed, shard))
        found = replace(found, report=replace(found.report, shard=part, reproduce=in_shard(reproduce, shard)))
    say(found.report.to_json() if as_json else crash_text(found))
    if lock and not engine and found.report.verdict is Verdict.HOLDS:
        keep_figures(found.report)
    for line in written_files(found, html, cases):
        say(line, err=as_json)
    return found.report.exit_code


def written_files(found: CrashConformance, html: str | None, cases: str | None) -> list[str]:
    """Write the files that were asked for. Returns one line for each, with its path."""
    lines = [write_cases(Path(cases), found.cases)] if cases is not None else []
    if html is not None:
        from ..render.crash_html import render_crash

        lines.append(write_page(html, render_crash(found)))
    return lines


def _disturbed(
    examples: str | None, kills: int, faults: int, seed: int, jobs: int, shard: Shard, progress: Progress
) -> KillResult:
    folder = Path(examples) if examples is not None else EXAMPLES
    pipelines = pipelines_in(folder)
    if not pipelines:
        raise click.UsageError(f"{folder} has no folder with a pipeline.yaml; name another one with --examples DIR")
    return disturb(pipelines, kills, faults, seed=seed, jobs=jobs, shard=shard, progress=progress.update)

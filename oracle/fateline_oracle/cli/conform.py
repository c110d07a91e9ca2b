"""`fateline conform`: check an engine against the specification.

Not here: the judging (`fateline_oracle.conform`), and the page (`fateline_oracle.render.conform_html`).
"""

import secrets
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click

from fateline_console.terminal import Progress, say
from fateline_model import LAWS
from fateline_model.checker.scopes import NAMED

from ..conform.campaign import BadSelection, Selection, every_instance, run_campaign
from ..conform.result import Conformance
from ..conform.shard_results import asked_of, results_of
from ..conform.verdict import conclude
from ..engines import NoSuchEngine, engine_of, profile_of_engine
from ..mutants import NoSuchMutant
from ..mutants.self_test import self_test
from ..ports.port import EngineFault
from ..ports.profile import BadProfile, read_profile
from ..render.conform_text import conformance_text
from ..report.case import write_cases
from ..report.junit import write_junit
from ..report.ledger import BadLedger
from ..report.parts import in_shard, part_json
from ..report.verdict import ExitCode
from ..shard import WHOLE, Shard
from .engine_options import TakesCommand, ledger_for, ledger_option, shard_option, timeout_option, written
from .html_option import html_option, write_page
from .verify import JOBS


@click.command(cls=TakesCommand)
@click.argument("engine", default="")
@click.option(
    "--scope",
    type=click.Choice(NAMED),
    default="standard",
    help="How many instances to drive the engine through.",
    show_default=True,
)
@click.option(
    "--seed", type=click.IntRange(0), help="Number that decides the interleaving of rows. Default: drawn, and printed."
)
@click.option("--jobs", type=click.IntRange(1, 64), default=JOBS, help="Number of processes.", show_default=True)
@click.option(
    "--profile",
    "profile_file",
    metavar="FILE",
    help="TOML file with the laws that the engine deliberately does not follow.",
)
@ledger_option
@click.option(
    "--instance", "instances", multiple=True, metavar="NAME", help="Drive only this instance, or those like 'fork*'."
)
@click.option(
    "--law",
    "laws",
    multiple=True,
    type=click.Choice(list(LAWS)),
    metavar="LAW",
    help="Report only this law, such as C8.",
)
@click.option("--list", "only_list", is_flag=True, help="Only list the instances of the scope.")
@click.option("--stop-first", is_flag=True, help="End each instance at its first difference.")
@html_option
@click.option("--cases", metavar="DIR", help="Write every counterexample to DIR, one JSON file each.")
@click.option(
    "--trail", metavar="FILE", help="Check a trail at rest instead, by stepping: anything that `fateline audit` reads."
)
@click.option("--views", metavar="FILE", help="With --trail: SQL file of views through which the database is read.")
@click.option(
    "--pipeline", "pipeline_file", metavar="FILE", help="With --trail: the pipeline of the trail, JSON or YAML."
)
@click.option("--junit", metavar="FILE", help="Write JUnit XML to FILE, one test for each law.")
@shard_option
@timeout_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def conform(
    engine: str,
    scope: str,
    seed: int | None,
    jobs: int,
    profile_file: str | None,
    ledger_file: str | None,
    instances: tuple[str, ...],
    laws: tuple[str, ...],
    only_list: bool,
    stop_first: bool,
    html: str | None,
    cases: str | None,
    trail: str | None,
    views: str | None,
    pipeline_file: str | None,
    junit: str | None,
    shard: Shard | None,
    as_json: bool,
) -> ExitCode:
    """Check ENGINE against the specification.

    ENGINE is `module:factory`, a seeded bug `zoo:NAME`, or a command after `--`. Default: the reference engine.
    A command must speak the protocol of specs/protocol.md.

    Exit status: 0 the law holds, 1 it is breached, 2 undetermined, 3 wrong usage or input.
    """
    if trail is not None:
        if engine:
            raise click.UsageError("--trail checks records at rest: leave out ENGINE")
        from .conform_trail import conform_trail

        return conform_trail(Path(trail), views, pipeline_file, as_json)
    if only_list:
        for instance in every_instance(scope):
            say(instance.name)
        return ExitCode.HOLDS
    if shard is not None and seed is None:
        raise click.UsageError("--shard needs --seed: the same number on each machine")
    seed = secrets.randbelow(2**32) if seed is None else seed
    try:
        profile = read_profile(Path(profile_file)) if profile_file is not None else profile_of_engine(engine)
        ledger_for(ledger_file, "")  # what is wrong with the file is said before the engine is driven
        with Progress() as progress:
            tests = self_test(progress.update)
            campaign = run_campaign(
                engine, scope, open_engine=engine_of, seed=seed, jobs=jobs, stop_first=stop_first,
                declared=frozenset(profile.laws), only=Selection(instances, laws), shard=shard or WHOLE,
                progress=progress.update,
            )  # fmt: skip
        ledger = ledger_for(ledger_file, campaign.hello.version)
    except (NoSuchEngine, NoSuchMutant, BadProfile, BadLedger, BadSelection) as error:
        raise click.ClickException(str(error)) from error
    except EngineFault as fault:
        say(f"The engine cannot be judged: {fault}", err=True)
        return ExitCode.UNDETERMINED
    given = {"--profile": [profile_file], "--ledger": [ledger_file], "--instance": instances, "--law": laws}
    reproduce = _reproduce(engine, scope, seed, given, stop_first)
    found = conclude(campaign, tests, profile, reproduce, ledger)
    if shard is not None:
        asked = asked_of(campaign, tests, profile, ledger, stop_first=stop_first)
        part = part_json("conform", shard, asked, reproduce, *results_of(campaign))
        found = replace(found, report=replace(found.report, shard=part, reproduce=in_shard(reproduce, shard)))
    say(found.report.to_json() if as_json else conformance_text(found))
    if junit is not None:
        say(write_junit(found.report, found.hello.name, Path(junit)), err=as_json)
    for line in written_files(found, html, cases):
        say(line, err=as_json)
    return found.report.exit_code


def _reproduce(engine: str, scope: str, seed: int, given: Mapping[str, Sequence[str | None]], stop_first: bool) -> str:
    words = ["fateline", "conform", "--scope", scope, "--seed", str(seed)]
    words += [
        word for option, values in given.items() for value in values if value is not None for word in (option, value)
    ]
    words += ["--stop-first"] if stop_first else []
    return shlex.join([*words, *written(engine)])


def written_files(found: Conformance, html: str | None, cases: str | None) -> list[str]:
    """Write the files that were asked for. Returns one line for each, with its path."""
    lines = []
    if cases is not None:
        line = write_cases(Path(cases), found.cases)
        lines.append(f"{line}; see it step by step with: fateline explore --case CASE")
    if html is not None:
        from ..render.conform_html import render

        lines.append(write_page(html, render(found)))
    return lines

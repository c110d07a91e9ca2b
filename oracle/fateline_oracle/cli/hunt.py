"""`fateline hunt`: takes random walks, without end or within a budget, and keeps what they find in a folder.

Not here: the hunting (`fateline_oracle.conform.fuzz`).
"""

import shlex
import time
from collections.abc import Sequence
from pathlib import Path

import click

from fateline_console.terminal import Progress, paint, say

from ..conform.fuzz import BadCorpus, Event, Hunt
from ..engines import NoSuchEngine, engine_of
from ..mutants import NoSuchMutant
from ..ports.hello import hello_of
from ..ports.port import EngineFault
from ..render.conform_text import findings_text
from ..report.law_results import COLOUR
from ..report.ledger import BadLedger, settled
from ..report.verdict import ExitCode, Report
from .engine_options import TakesCommand, ledger_for, ledger_option, timeout_option, written

SHOWN = {"new": "red", "fault": "yellow"}


@click.command(cls=TakesCommand)
@click.argument("engine", default="")
@click.option(
    "--corpus", default="hunt", show_default=True, metavar="FOLDER", help="Folder for the cases and the progress."
)
@click.option(
    "--seed", type=click.IntRange(0), help="Number that decides the walks of a new corpus. Default: drawn, and printed."
)
@click.option("--minutes", type=click.FloatRange(0), help="Stop after this number of minutes.")
@click.option("--rounds", type=click.IntRange(0), help="Stop after this number of walks.")
@ledger_option
@timeout_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end instead of text.")
def hunt(
    engine: str,
    corpus: str,
    seed: int | None,
    minutes: float | None,
    rounds: int | None,
    ledger_file: str | None,
    as_json: bool,
) -> ExitCode:
    """Search for breaches in ENGINE with random walks, until stopped or until the budget is used up.

    ENGINE is `module:factory`, a seeded bug `zoo:NAME`, or a command after `--`. Default: the reference engine.

    The cases of the corpus are replayed first. Stop with Ctrl-C; the next hunt in the same folder continues from there.

    Exit status: 0 nothing is wrong now, 1 a walk or a replayed case breaks a law, 2 the engine broke down or nothing was
    asked, 3 wrong usage or input.
    """
    folder = Path(corpus)
    until = time.monotonic() + minutes * 60 if minutes is not None else float("inf")
    try:
        with engine_of(engine) as made:
            hello = hello_of(made)
            ledger = ledger_for(ledger_file, hello.version)
            found = Hunt(made, hello, engine, folder, seed)
            so_far = found.progress
            if not as_json:
                say(
                    f"hunting in {hello.name} {hello.version}, seed {so_far.seed}, from round {so_far.rounds}; corpus {folder}"
                )
            stopped = _hunted(found, until, rounds, as_json)
    except (NoSuchEngine, NoSuchMutant, BadCorpus, BadLedger) as error:
        raise click.ClickException(str(error)) from error
    except EngineFault as fault:
        say(f"The engine cannot be judged: {fault}", err=True)
        return ExitCode.UNDETERMINED
    words = ["fateline", "hunt", "--corpus", corpus, "--seed", str(so_far.seed)]
    words += [*(["--ledger", ledger_file] if ledger_file is not None else []), *written(engine)]
    # A walk need not meet a finding again that the ledger lists; only `conform` goes through everything.
    report = settled(found.report(shlex.join(words)), ledger, whole=False)
    say(report.to_json() if as_json else _text(report, engine, found.notes, stopped))
    return report.exit_code


def _hunted(found: Hunt, until: float, rounds: int | None, quiet: bool) -> bool:
    """Hunt until the budget is used up. Returns True if it was stopped before."""
    first = found.progress.rounds
    try:
        for event in found.replayed():
            _say(event, quiet)
        with Progress() as progress:
            for event in found.rounds() if rounds != 0 else ():
                _say(event, quiet)
                so_far = found.progress
                progress.update(
                    f"{so_far.rounds:,} walks, {so_far.steps:,} steps, {len(so_far.seen):,} kinds seen, "
                    f"{len(found.findings.of_kind)} found"
                )
                if event.kind == "walked" and (
                    time.monotonic() >= until or (rounds is not None and so_far.rounds - first >= rounds)
                ):
                    break
    except KeyboardInterrupt:
        return True
    finally:
        found.save()
    return False


def _say(event: Event, quiet: bool) -> None:
    if not quiet and event.kind != "walked":
        case = f"  {event.case}" if event.case is not None else ""
        say(f"{paint(event.kind, SHOWN.get(event.kind))}  {event.text}{case}")


def _text(report: Report, engine: str, notes: Sequence[str], stopped: bool) -> str:
    counts = report.counts
    lines = findings_text(report.findings)
    lines += [
        f"replay finding {number}: {shlex.join(['fateline', 'replay', one.case, *written(engine)])}"
        for number, one in enumerate(report.findings, 1)
        if one.case
    ]
    lines += map(str, report.known)
    lines += [f"skipped: {one.cases:,} {one.what}: {one.why}" for one in report.skipped]
    lines += [f"- {note}" for note in (*notes, *report.prevented)]
    summary = (
        f"{counts['walks']:,} walks, {counts['steps']:,} steps, {counts['refusals']:,} refusals, "
        f"{counts['kinds_seen']:,} kinds of steps seen, {counts['cases']} cases in the corpus, {report.seconds:.1f} s"
    )
    verdict = paint(report.verdict, COLOUR[report.verdict], bold=True)
    return "\n".join([*lines, f"\n{verdict}  {summary}{', stopped' if stopped else ''}"])

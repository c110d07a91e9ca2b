"""`fateline hunt`: takes random walks, without end or within a budget, and keeps what they find in a folder.

Not here: the hunting (`fateline_oracle.conform.fuzz`).
"""

import json
import shlex
import time
from pathlib import Path

import click

from fateline_console.terminal import Progress, paint, say
from fateline_model import LAW_VERSION

from ..conform.fuzz import BadCorpus, Event, Hunt
from ..engines import NoSuchEngine, engine_of
from ..mutants import NoSuchMutant
from ..ports.hello import hello_of
from ..ports.port import EngineFault
from ..report.law_results import COLOUR
from ..report.verdict import SCHEMA, ExitCode, Verdict
from .engine_options import TakesCommand, timeout_option, written

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
@timeout_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end instead of text.")
def hunt(
    engine: str, corpus: str, seed: int | None, minutes: float | None, rounds: int | None, as_json: bool
) -> ExitCode:
    """Search for breaches in ENGINE with random walks, until stopped or until the budget is used up.

    ENGINE is `module:factory`, a seeded bug `zoo:NAME`, or a command after `--`. Default: the reference engine.

    The cases of the corpus are replayed first. Stop with Ctrl-C; the next hunt in the same folder continues from there.

    Exit status: 0 nothing was found so far, 1 a breach was found now or earlier, 2 the engine broke down or no walk was
    taken, 3 wrong usage or input.
    """
    folder = Path(corpus)
    until = time.monotonic() + minutes * 60 if minutes is not None else float("inf")
    try:
        with engine_of(engine) as made:
            found = Hunt(made, hello_of(made), engine, folder, seed)
            if not as_json:
                so_far = found.progress
                say(f"hunting in {found.hello.name}, seed {so_far.seed}, from round {so_far.rounds}; corpus {folder}")
            stopped = _hunted(found, until, rounds, as_json)
    except (NoSuchEngine, NoSuchMutant, BadCorpus) as error:
        raise click.ClickException(str(error)) from error
    except EngineFault as fault:
        say(f"The engine cannot be judged: {fault}", err=True)
        return ExitCode.UNDETERMINED
    verdict = _verdict(found)
    words = ["fateline", "hunt", "--corpus", corpus, "--seed", str(found.progress.seed), *written(engine)]
    say(_json(found, verdict, shlex.join(words)) if as_json else _text(found, verdict, stopped))
    return verdict.exit_code


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
                    f"{len(so_far.shapes)} found"
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
    if not quiet and event.kind not in ("known", "walked"):
        case = f"  {event.case}" if event.case is not None else ""
        say(f"{paint(event.kind, SHOWN.get(event.kind))}  {event.text}{case}")


def _verdict(found: Hunt) -> Verdict:
    if found.progress.shapes or found.still_broken:
        return Verdict.BREACHED
    return Verdict.UNDETERMINED if found.progress.faults or not found.progress.rounds else Verdict.HOLDS


def _counts(found: Hunt) -> dict[str, int]:
    progress = found.progress
    return {
        "walks": progress.rounds, "steps": progress.steps, "refusals": progress.refusals, "kinds_seen": len(progress.seen),
        "found": len(progress.shapes), "still_broken": found.still_broken, "faults": sum(progress.faults.values()),
    }  # fmt: skip


def _json(found: Hunt, verdict: Verdict, reproduce: str) -> str:
    findings = [
        {"law": shape.partition(":")[0], "message": shape.partition(": ")[2], "case": case}
        for shape, case in found.progress.shapes.items()
    ]
    document = {
        "schema": SCHEMA, "verdict": verdict, "law_version": LAW_VERSION, "scope": "hunt", "seed": found.progress.seed,
        "laws": {}, "counts": _counts(found), "skipped": [], "findings": findings, "seconds": round(found.progress.seconds, 3),
        "reproduce": reproduce,
    }  # fmt: skip
    return json.dumps(document, indent=2)


def _text(found: Hunt, verdict: Verdict, stopped: bool) -> str:
    counts = _counts(found)
    lines = [f"fault, {count} times: {message}" for message, count in found.progress.faults.items()]
    summary = (
        f"{counts['walks']:,} walks, {counts['steps']:,} steps, {counts['refusals']:,} refusals, "
        f"{counts['kinds_seen']:,} kinds of steps seen, {counts['found']} found, {found.progress.seconds:.1f} s"
    ) + (", stopped" if stopped else "")
    return "\n".join([*lines, f"\n{paint(verdict, COLOUR[verdict], bold=True)}  {summary}"])

"""`fateline hunt`: random walks without end or within a budget, and a folder of what they found.

Not here: the hunting (`fateline_oracle.conform.fuzz`).
"""

import json
import shlex
import time
from pathlib import Path

import click

from fateline_console.terminal import Progress, paint
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
    "--corpus", default="hunt", show_default=True, metavar="FOLDER", help="Where cases are kept, and how far it came."
)
@click.option("--seed", type=click.IntRange(0), help="Drawn for a new corpus if not given, and printed.")
@click.option("--minutes", type=click.FloatRange(0), help="Stop after so long.")
@click.option("--rounds", type=click.IntRange(0), help="Stop after so many walks.")
@timeout_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end instead.")
def hunt(
    engine: str, corpus: str, seed: int | None, minutes: float | None, rounds: int | None, as_json: bool
) -> ExitCode:
    """Hunt for breaches in ENGINE, named as for conform, until stopped or until the budget is used up.

    The corpus is stepped again first. Stop it with Ctrl-C; the next hunt in the same folder goes on where this one stopped.
    Exit status 1: something breaks the law, now or still. 2: the engine broke down. 0: nothing was found this far.
    """
    folder = Path(corpus)
    until = time.monotonic() + minutes * 60 if minutes is not None else float("inf")
    try:
        with engine_of(engine) as made:
            found = Hunt(made, hello_of(made), engine, folder, seed)
            if not as_json:
                click.echo(
                    f"hunting in {found.hello.name}, seed {found.told.seed}, from round {found.told.rounds}; corpus {folder}"
                )
            stopped = _hunted(found, until, rounds, as_json)
    except (NoSuchEngine, NoSuchMutant, BadCorpus) as error:
        raise click.ClickException(str(error)) from error
    except EngineFault as fault:
        click.echo(f"The engine cannot be judged: {fault}", err=True)
        return ExitCode.UNDETERMINED
    verdict = _verdict(found)
    words = ["fateline", "hunt", "--corpus", corpus, "--seed", str(found.told.seed), *written(engine)]
    click.echo(_json(found, verdict, shlex.join(words)) if as_json else _text(found, verdict, stopped))
    return verdict.exit_code


def _hunted(found: Hunt, until: float, rounds: int | None, quiet: bool) -> bool:
    """Hunt until the budget is used up; whether it was stopped before."""
    first = found.told.rounds
    try:
        for event in found.replayed():
            _say(event, quiet)
        with Progress() as progress:
            for event in found.rounds() if rounds != 0 else ():
                _say(event, quiet)
                told = found.told
                progress.update(
                    f"{told.rounds:,} walks, {told.steps:,} steps, {len(told.seen):,} kinds seen, {len(told.shapes)} found"
                )
                if event.kind == "walked" and (
                    time.monotonic() >= until or (rounds is not None and told.rounds - first >= rounds)
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
        click.echo(f"{paint(event.kind, SHOWN.get(event.kind))}  {event.text}{case}")


def _verdict(found: Hunt) -> Verdict:
    if found.told.shapes or found.still_broken:
        return Verdict.BREACHED
    return Verdict.UNDETERMINED if found.told.faults or not found.told.rounds else Verdict.HOLDS


def _counts(found: Hunt) -> dict[str, int]:
    told = found.told
    return {
        "walks": told.rounds, "steps": told.steps, "refusals": told.refusals, "kinds_seen": len(told.seen),
        "found": len(told.shapes), "still_broken": found.still_broken, "faults": sum(told.faults.values()),
    }  # fmt: skip


def _json(found: Hunt, verdict: Verdict, reproduce: str) -> str:
    findings = [
        {"law": shape.partition(":")[0], "message": shape.partition(": ")[2], "case": case}
        for shape, case in found.told.shapes.items()
    ]
    said = {
        "schema": SCHEMA, "verdict": verdict, "law_version": LAW_VERSION, "scope": "hunt", "seed": found.told.seed,
        "laws": {}, "counts": _counts(found), "skipped": [], "findings": findings, "seconds": round(found.told.seconds, 3),
        "reproduce": reproduce,
    }  # fmt: skip
    return json.dumps(said, indent=2)


def _text(found: Hunt, verdict: Verdict, stopped: bool) -> str:
    counts = _counts(found)
    lines = [f"fault, {count} times: {said}" for said, count in found.told.faults.items()]
    told = (
        f"{counts['walks']:,} walks, {counts['steps']:,} steps, {counts['refusals']:,} refusals, "
        f"{counts['kinds_seen']:,} kinds of steps seen, {counts['found']} found, {found.told.seconds:.1f} s"
    ) + (", stopped" if stopped else "")
    return "\n".join([*lines, f"\n{paint(verdict, COLOUR[verdict], bold=True)}  {told}"])

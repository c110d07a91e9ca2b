"""`fateline vectors`: writes or checks the published vectors, or runs them on an engine.

Not here: making and running them (`fateline_oracle.vectors`).
"""

import json
import shlex
import time
from itertools import chain
from pathlib import Path

import click

from fateline_console.terminal import Progress, paint, say, table
from fateline_model import LAWS

from ..conform.replay import Replayed
from ..engines import NoSuchEngine, engine_of
from ..mutants import NoSuchMutant
from ..ports.hello import hello_of
from ..ports.port import EngineFault
from ..render.conform_text import findings_text
from ..render.replay_text import replayed_text
from ..report.law_results import COLOUR
from ..report.ledger import BadLedger
from ..report.verdict import ExitCode, files_json
from ..vectors.run import Score, hidden, run
from ..vectors.store import INDEX, BadVectors, Vector, folder_of, made, read, stale, write
from ..vectors.verdict import VectorConformance, conclude
from .engine_options import TakesCommand, ledger_for, ledger_option, timeout_option, written

SHOWN = 3
"""So many findings get the command that shows their shortest vector."""


@click.command(cls=TakesCommand)
@click.argument("engine", required=False)
@click.option("--check", is_flag=True, help="Write nothing; fail if the published vectors differ from the law.")
@click.option(
    "--folder", metavar="DIR", help="Folder of the vectors. Default: specs/vectors here, or those of the installation."
)
@click.option("--seed", type=click.IntRange(0), help="With ENGINE: also run a hidden set, drawn with this number.")
@click.option("--run", "one", metavar="ID", help="With ENGINE: run only this vector, and show the step that differs.")
@ledger_option
@timeout_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def vectors(
    engine: str | None,
    check: bool,
    folder: str | None,
    seed: int | None,
    one: str | None,
    ledger_file: str | None,
    as_json: bool,
) -> ExitCode:
    """Write the published vectors, or check them with --check. With ENGINE, run them on it.

    ENGINE is `reference`, `module:factory`, a seeded bug `zoo:NAME`, or a command after `--`.

    If an engine passes far more of the published set than of the hidden one, the verdict is undetermined.

    Exit status: 0 the law holds, 1 it is breached, 2 undetermined, 3 wrong usage or input.
    Without ENGINE: 0 the files are fresh, 1 they are not.
    """
    where = Path(folder) if folder is not None else folder_of()
    started = time.perf_counter()
    if engine is None and one is not None:
        raise click.UsageError("--run ID needs an ENGINE: fateline vectors ENGINE --run ID")
    try:
        if engine is None:
            return _files(where, check, as_json)
        ledger_for(ledger_file, "")  # what is wrong with the file is said before the engine is driven
        with engine_of(engine) as driven, Progress() as progress:
            hello = hello_of(driven)
            if one is not None:
                vector = _called(one, where, seed)
                words = ["fateline", "vectors", "--run", one, *written(engine)]
                return _ran(vector, run(driven, hello, [vector]), shlex.join(words), as_json)
            public = run(driven, hello, read(where), progress=progress.update)
            secret = run(driven, hello, hidden(seed), progress=progress.update) if seed is not None else Score()
        ledger = ledger_for(ledger_file, hello.version)
    except (NoSuchEngine, NoSuchMutant, BadVectors, BadLedger) as error:
        raise click.ClickException(str(error)) from error
    except EngineFault as fault:
        say(f"The engine cannot be judged: {fault}", err=True)
        return ExitCode.UNDETERMINED
    words = ["fateline", "vectors", *(["--seed", str(seed)] if seed is not None else [])]
    words += [*(["--ledger", ledger_file] if ledger_file is not None else []), *written(engine)]
    seconds = time.perf_counter() - started
    found = conclude(hello, public, secret, seed, seconds, shlex.join(words), ledger)
    say(found.report.to_json() if as_json else _text(found, engine))
    return found.report.exit_code


def _called(name: str, where: Path, seed: int | None) -> Vector:
    """The vector with this id, published or of the hidden set of the seed."""
    candidates = chain(read(where), hidden(seed) if seed is not None else ())
    vector = next((vector for vector in candidates if name in (vector.id, vector.document.get("slug"))), None)
    if vector is None:
        more = "" if seed is not None else "; a hidden one also needs its --seed"
        raise click.UsageError(f"there is no vector {name!r} in {where}{more}")
    return vector


def _ran(vector: Vector, score: Score, reproduce: str, as_json: bool) -> ExitCode:
    """Show what one vector found."""
    instance = str(vector.document["instance"])
    passed = Replayed(None, None, score.steps, unsupported=next(iter(score.skipped), None))
    done = score.first or passed
    report = done.report(instance, vector.document["laws"], reproduce)
    say(report.to_json() if as_json else replayed_text(instance, done))
    return report.exit_code


def _files(where: Path, check: bool, as_json: bool) -> ExitCode:
    with Progress() as progress:
        progress.update("making the vectors")
        files = made()
    problems = stale(where, files) if check else []
    changed = [] if check else write(where, files)
    about = json.loads(files[INDEX])
    if as_json:
        say(files_json(str(where), len(files), changed, problems))
    else:
        for name in changed:
            say(f"written  {name}")
        for problem in problems:
            say(f"{paint('not fresh', 'red')}  {problem}")
        if problems:
            say("Run `fateline vectors`, read the difference, and commit it with the change that caused it.")
        else:
            say(
                f"{paint('fresh', 'green')}  {about['vectors']:,} vectors of scope {about['scope']}: "
                f"{about['transitions']:,} transitions in {about['steps']:,} steps ({about['redundancy']} per transition), "
                f"{about['refusals']:,} refusals; {where}"
            )
    return ExitCode.BREACHED if problems else ExitCode.HOLDS


def _text(found: VectorConformance, engine: str) -> str:
    report = found.report
    rows = [
        (name, f"{score.passed:,} of {score.asked:,}", f"{score.share:.1%}", f"{score.steps:,}")
        for name, score in (("published", found.public), ("hidden", found.secret))
        if score.asked
    ]
    lines = [table(rows, ("vectors", "passed", "", "steps")), *findings_text(report.findings)]
    again = shlex.join(["fateline", "vectors", *(["--seed", str(report.seed)] if report.seed is not None else [])])
    where = shlex.join(written(engine))
    lines += [""] if report.findings else []
    lines += [
        f"show finding {number}: {again} --run {one.case} {where}"
        for number, one in enumerate(report.findings[:SHOWN], 1)
    ]
    lines += [f"the engine broke down {count:,} times: {message}" for message, count in found.broke_down.items()]
    lines += map(str, report.known)
    lines += [f"skipped: {one.cases:,} {one.what}: {one.why}" for one in report.skipped if one.cases]
    lines += [f"- {note}" for note in (*found.notes, *report.prevented)]
    judged = sum(one.verdict is not None for one in report.laws.values())
    return "\n".join(
        [*lines, f"\n{paint(report.verdict, COLOUR[report.verdict], bold=True)}  {judged} of {len(LAWS)} laws judged"]
    )

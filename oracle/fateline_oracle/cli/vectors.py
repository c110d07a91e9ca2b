"""`fateline vectors`: writes or checks the published vectors, or runs them on an engine.

Not here: making and running them (`fateline_oracle.vectors`).
"""

import json
import shlex
from pathlib import Path

import click

from fateline_console.terminal import Progress, paint, say, table
from fateline_model import LAW_VERSION, LAWS

from ..engines import NoSuchEngine, engine_of
from ..mutants import NoSuchMutant
from ..ports.hello import hello_of
from ..ports.port import EngineFault
from ..report.law_results import COLOUR
from ..report.verdict import SCHEMA, ExitCode, Verdict
from ..vectors.run import Score, gap, hidden, run
from ..vectors.store import INDEX, BadVectors, folder_of, made, read, stale, write
from .engine_options import TakesCommand, timeout_option, written

SHOWN = 20


@click.command(cls=TakesCommand)
@click.argument("engine", required=False)
@click.option("--check", is_flag=True, help="Write nothing; fail if the published vectors differ from the law.")
@click.option(
    "--folder", metavar="DIR", help="Folder of the vectors. Default: specs/vectors here, or those of the installation."
)
@click.option("--seed", type=click.IntRange(0), help="With ENGINE: also run a hidden set, drawn with this number.")
@timeout_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def vectors(engine: str | None, check: bool, folder: str | None, seed: int | None, as_json: bool) -> ExitCode:
    """Write the published vectors, or check them with --check. With ENGINE, run them on it.

    ENGINE is `reference`, `module:factory`, a seeded bug `zoo:NAME`, or a command after `--`.

    If an engine passes far more of the published set than of the hidden one, the verdict is undetermined.

    Exit status: 0 the law holds, 1 it is breached, 2 undetermined, 3 wrong usage or input.
    Without ENGINE: 0 the files are fresh, 1 they are not.
    """
    where = Path(folder) if folder is not None else folder_of()
    try:
        if engine is None:
            return _files(where, check, as_json)
        with engine_of(engine) as asked, Progress() as progress:
            hello = hello_of(asked)
            public = run(asked, hello, read(where), progress=progress.update)
            secret = run(asked, hello, hidden(seed), progress=progress.update) if seed is not None else Score()
    except (NoSuchEngine, NoSuchMutant, BadVectors) as error:
        raise click.ClickException(str(error)) from error
    except EngineFault as fault:
        say(f"The engine cannot be judged: {fault}", err=True)
        return ExitCode.UNDETERMINED
    failed = {**public.failed, **secret.failed}
    verdict = (
        Verdict.BREACHED if any(law in LAWS for law in failed.values())
        else Verdict.UNDETERMINED if failed or not public.asked or gap(public, secret) else Verdict.HOLDS
    )  # fmt: skip
    words = ["fateline", "vectors", *(["--seed", str(seed)] if seed is not None else []), *written(engine)]
    say(_json(public, secret, seed, verdict, shlex.join(words)) if as_json else _text(public, secret, verdict))
    return verdict.exit_code


def _files(where: Path, check: bool, as_json: bool) -> ExitCode:
    with Progress() as progress:
        progress.update("making the vectors")
        files = made()
    problems = stale(where, files) if check else []
    changed = [] if check else write(where, files)
    about = json.loads(files[INDEX])
    if as_json:
        say(json.dumps({"folder": str(where), "changed": changed, "problems": problems, **about}))
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


def _text(public: Score, secret: Score, verdict: Verdict) -> str:
    rows = [
        (name, f"{score.passed:,} of {score.asked:,}", f"{score.share:.1%}", f"{score.steps:,}")
        for name, score in (("published", public), ("hidden", secret))
        if score.asked
    ]
    lines = [table(rows, ("vectors", "passed", "", "steps"))]
    failed = list({**public.failed, **secret.failed}.items())
    lines += ["", *(f"failed  {name}  {law}" for name, law in failed[:SHOWN])] if failed else []
    if len(failed) > SHOWN:
        lines.append(f"... and {len(failed) - SHOWN:,} more; --json lists them")
    lines += [f"skipped: {count:,} vectors: {why}" for why, count in sorted(public.skipped.items())]
    if gap(public, secret):
        lines.append("a gap: the engine passes a much larger share of the published vectors than of the hidden ones")
    return "\n".join([*lines, f"\n{paint(verdict, COLOUR[verdict], bold=True)}"])


def _json(public: Score, secret: Score, seed: int | None, verdict: Verdict, reproduce: str) -> str:
    failed = {**public.failed, **secret.failed}
    document = {
        "schema": SCHEMA, "verdict": verdict, "law_version": LAW_VERSION, "scope": "vectors", "seed": seed, "laws": {},
        "counts": {
            "published": public.asked, "published_passed": public.passed, "hidden": secret.asked,
            "hidden_passed": secret.passed, "steps": public.steps + secret.steps, "gap": int(gap(public, secret)),
        },
        "skipped": [{"what": "vectors", "why": why, "laws": [], "cases": n} for why, n in public.skipped.items()],
        "findings": [{"law": law, "message": f"vector {name}", "case": name} for name, law in failed.items()],
        "seconds": 0.0, "reproduce": reproduce,
    }  # fmt: skip
    return json.dumps(document, indent=2)

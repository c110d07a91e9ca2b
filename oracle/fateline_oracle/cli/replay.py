"""`fateline replay`: steps a saved counterexample again.

Not here: the stepping (`fateline_oracle.conform.replay`).
"""

import json
from functools import partial
from pathlib import Path

import click

from fateline_console.terminal import paint, say
from fateline_model import LAWS

from ..conform.campaign import every_instance
from ..conform.replay import BadCase, Case, Replayed, read_case
from ..conform.replay import replay as step_again
from ..conform.verdict import steps_of
from ..crash.replay import replay_crash
from ..engines import NoSuchEngine, engine_of
from ..mutants import NoSuchMutant
from ..ports.hello import hello_of
from ..ports.port import Engine, EngineFault
from ..ports.validate import asked_again
from ..render.conform_text import case_text
from ..report.verdict import ExitCode, Verdict
from .engine_options import TakesCommand, timeout_option


@click.command(cls=TakesCommand)
@click.argument("case", metavar="CASE")
@click.argument("engine", default="")
@timeout_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def replay(case: str, engine: str, as_json: bool) -> ExitCode:
    """Step the counterexample in the file CASE again on ENGINE.

    ENGINE is `module:factory`, a seeded bug `zoo:NAME`, or a command after `--`. Default: the seeded bug in which the case
    was found, or else the reference engine.

    Exit status: 0 law and engine agree to the end, 1 the engine still breaks the law, 2 the engine broke down, 3 wrong
    usage or input.
    """
    try:
        read = read_case(Path(case))
    except BadCase as error:
        raise click.ClickException(str(error)) from error
    try:
        name = engine or (read.engine if read.engine.startswith("zoo:") else "")
        with engine_of(name) as made:
            if read.machine == "torture":
                return asked_again(partial(_crash_again, read, made, as_json))
            done = asked_again(partial(step_again, read, made, hello_of(made)))
    except (BadCase, NoSuchEngine, NoSuchMutant) as error:
        raise click.ClickException(str(error)) from error
    except EngineFault as fault:
        done = Replayed(None, str(fault), 0)
    say(json.dumps(_as_json(read, done), indent=2) if as_json else _text(read, done))
    if done.fault is not None or done.unsupported is not None:
        return ExitCode.UNDETERMINED
    return ExitCode.HOLDS if done.found is None else ExitCode.BREACHED


def _crash_again(case: Case, engine: Engine, as_json: bool) -> ExitCode:
    """Replay a case of a crash test."""
    done, crashed = replay_crash(case.document, engine, hello_of(engine))
    laws = [law for law, _ in crashed.found.laws] if crashed.found is not None else []
    verdict = "undetermined" if done.fault or done.unsupported else "breached" if laws else "holds"
    if as_json:
        result = {"instance": case.instance, "verdict": verdict, "steps": done.steps, "laws": laws}
        say(json.dumps({"schema": "fateline.replay/1", **result, "laws_then": [*case.laws], "fault": done.fault}))
    elif done.fault is not None:
        say(f"{paint(verdict, 'yellow', bold=True)}  the engine broke down: {done.fault}")
    elif crashed.found is None:
        say(f"{paint(verdict, 'green', bold=True)}  crashed at the same boundaries; nothing is lost or doubled")
    else:
        say("\n".join(f"     {law}: {message}" for law, message in crashed.found.laws))
        say(f"\n{paint(verdict, 'red', bold=True)}  {laws[0]} {LAWS[laws[0]].title}, in {done.steps} steps")
    return Verdict(verdict).exit_code


def _as_json(case: Case, done: Replayed) -> dict[str, object]:
    return {
        "schema": "fateline.replay/1",
        "instance": case.instance,
        "verdict": "undetermined" if done.fault or done.unsupported else "holds" if done.found is None else "breached",
        "steps": done.steps,
        "laws": list(done.laws),
        "laws_then": list(case.laws),
        "fault": done.fault,
    }


def _text(case: Case, done: Replayed) -> str:
    if done.fault is not None:
        return f"{paint('undetermined', 'yellow', bold=True)}  the engine broke down at step {done.steps}: {done.fault}"
    if done.unsupported is not None:
        undetermined = paint("undetermined", "yellow", bold=True)
        return f"{undetermined}  the port does not support step {done.steps + 1}: {done.unsupported}"
    if done.found is None:
        return f"{paint('holds', 'green', bold=True)}  law and engine agree in all {done.steps} steps"
    instance = next((one for one in every_instance("deep") if one.name == case.instance), None)
    lines = []
    if instance is not None:
        steps = [step.__dict__ for step in steps_of(instance, done.found)]
        observed = done.found.observed if isinstance(done.found.observed, str) else None
        lines.append(
            case_text(
                {
                    "steps": steps,
                    "laws": done.found.laws,
                    "expected": done.found.expected,
                    "observed": observed,
                    "differences": done.found.differences,
                }
            )
        )
    then = f" (then {case.laws[0]})" if case.laws and case.laws[0] not in done.laws[:1] else ""
    first = done.laws[0]
    lines.append(f"\n{paint('breached', 'red', bold=True)}  {first} {LAWS[first].title}{then}, in {done.steps} steps")
    return "\n".join(lines)

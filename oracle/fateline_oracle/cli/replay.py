"""`fateline replay`: steps a saved counterexample again.

Not here: the stepping (`fateline_oracle.conform.replay`).
"""

import shlex
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from fateline_console.terminal import paint, say
from fateline_model import LAWS

from ..conform.replay import BadCase, Case, Replayed, read_case
from ..conform.replay import replay as step_again
from ..crash.replay import replay_crash
from ..engines import NoSuchEngine, engine_of
from ..mutants import NoSuchMutant
from ..ports.hello import hello_of
from ..ports.port import Engine, EngineFault
from ..ports.validate import asked_again
from ..render.replay_text import replayed_text
from ..report.verdict import ExitCode, LawResult, Verdict
from .engine_options import TakesCommand, timeout_option, written


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
                return asked_again(partial(_crash_again, read, made, case, as_json))
            done = asked_again(partial(step_again, read, made, hello_of(made)))
    except (BadCase, NoSuchEngine, NoSuchMutant) as error:
        raise click.ClickException(str(error)) from error
    except EngineFault as fault:
        done = Replayed(None, str(fault), 0)
    report = done.report(read.instance, read.laws, shlex.join(["fateline", "replay", case, *written(engine)]))
    say(report.to_json() if as_json else replayed_text(read.instance, done, read.laws))
    return report.exit_code


def _crash_again(case: Case, engine: Engine, path: str, as_json: bool) -> ExitCode:
    """Replay a case of a crash test."""
    done, crashed = replay_crash(case.document, engine, hello_of(engine))
    laws = [law for law, _ in crashed.found.laws] if crashed.found is not None else []
    report = done.report(case.instance, case.laws, shlex.join(["fateline", "replay", path]))
    report = replace(report, laws={**report.laws, **{law: LawResult(Verdict.BREACHED, 1, 1) for law in laws}})
    verdict = report.verdict
    if as_json:
        say(report.to_json())
    elif done.fault is not None:
        say(f"{paint(verdict, 'yellow', bold=True)}  the engine broke down: {done.fault}")
    elif crashed.found is None:
        say(f"{paint(verdict, 'green', bold=True)}  crashed at the same boundaries; nothing is lost or doubled")
    else:
        say("\n".join(f"     {law}: {message}" for law, message in crashed.found.laws))
        say(f"\n{paint(verdict, 'red', bold=True)}  {laws[0]} {LAWS[laws[0]].title}, in {done.steps} steps")
    return report.exit_code

"""The arguments that several commands share: ENGINE as a command after `--`, the time limit for an answer, the shard.

click does not report that there was a `--`; this module notes it, and makes the words after it one engine name. Not
here: how such an engine is run (`ports/process.py`), and what a time limit means (`limits.py`).
"""

import shlex
from datetime import date
from pathlib import Path
from typing import Any

import click

from ..engines import PROCESS
from ..limits import SILENCE, allow_silence
from ..report.ledger import NOTHING_KNOWN, Ledger, read_ledger
from ..shard import BadShard, Shard, shard_called


class TakesCommand(click.Command):
    """A command whose ENGINE may be another command, after `--`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            place = args.index("--")
            command = args[place + 1 :]
            if not command:
                raise click.UsageError("write a command after `--`, as in: fateline conform -- node engine.js", ctx)
            args = [*args[:place], PROCESS + shlex.join(command)]
        return super().parse_args(ctx, args)


def written(engine: str) -> list[str]:
    """An engine as the words of a command line."""
    if engine.startswith(PROCESS):
        return ["--", *shlex.split(engine.removeprefix(PROCESS))]
    return [engine] if engine else []


def _allow(ctx: click.Context, option: click.Parameter, seconds: Any) -> None:
    allow_silence(float(seconds))


timeout_option = click.option(
    "--timeout",
    type=click.FloatRange(0.1),
    default=SILENCE,
    show_default=True,
    expose_value=False,
    callback=_allow,
    metavar="SECONDS",
    help="Seconds that the engine may take for one answer; more on a busy machine. A silent engine is asked twice.",
)
"""Sets the limit for the whole process."""

ledger_option = click.option(
    "--ledger",
    "ledger_file",
    metavar="FILE",
    help="TOML file of known findings, which do not change the verdict; `fateline ledger` writes one.",
)


def _named_shard(ctx: click.Context, option: click.Parameter, name: str | None) -> Shard | None:
    try:
        return shard_called(name) if name is not None else None
    except BadShard as error:
        raise click.BadParameter(str(error), ctx, option) from error


shard_option = click.option(
    "--shard",
    callback=_named_shard,
    metavar="K/N",
    help="Only shard K of N, for several machines; `fateline merge` makes one report of all.",
)


def ledger_for(file: str | None, version: str) -> Ledger:
    """The ledger in a file, for a version of the engine; an empty one if no file is named. Raises `BadLedger`."""
    return read_ledger(Path(file), version, date.today()) if file is not None else NOTHING_KNOWN

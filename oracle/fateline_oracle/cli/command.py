"""An engine that is a command: what stands after `--` on the command line.

click forgets that there was a `--`; here it is remembered, and the words after it become one name of an engine. Not here:
how such an engine is spoken with (`fateline_oracle.ports`).
"""

import shlex

import click

from ..engines import PROCESS


class TakesCommand(click.Command):
    """A command whose ENGINE may be another command, after `--`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            place = args.index("--")
            command = args[place + 1 :]
            if not command:
                raise click.UsageError("a command must follow `--`, as in: fateline conform -- node engine.js", ctx)
            args = [*args[:place], PROCESS + shlex.join(command)]
        return super().parse_args(ctx, args)


def written(engine: str) -> list[str]:
    """An engine as the words of a command line."""
    if engine.startswith(PROCESS):
        return ["--", *shlex.split(engine.removeprefix(PROCESS))]
    return [engine] if engine else []

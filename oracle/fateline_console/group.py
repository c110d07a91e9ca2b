"""A click group whose exit status means the same whatever happens.

By itself click exits 2 for a mistyped option, and Python 1 for an unexpected exception, Ctrl-C or a closed pipe. Here a
command returns its exit status. Bad input is 3. What ends a command before it has a result is 2.

Not here: any command, and what the other numbers mean.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any, Final

import click

NO_RESULT: Final = 2
BAD_INPUT: Final = 3


class CommandGroup(click.Group):
    """Lists its commands in the order given, and exits with the number that a command returns."""

    interrupted = "Interrupted: nothing was decided."
    broken = "An error inside fateline: nothing was decided."

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run, and exit; with `standalone_mode` off, click's own behaviour."""

        def run() -> Any:
            return super(CommandGroup, self).main(args, prog_name, complete_var, standalone_mode=False, **extra)

        if not standalone_mode:
            return run()
        try:
            code = int(run() or 0)
        except click.ClickException as error:
            error.show()
            code = BAD_INPUT
        except click.Abort:
            click.echo(self.interrupted, err=True)
            code = NO_RESULT
        except Exception:
            traceback.print_exc()
            click.echo(self.broken, err=True)
            code = NO_RESULT
        sys.exit(code)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # Nobody reads our output any more. Text that is still buffered must not fail again at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return NO_RESULT

"""A click group whose exit status is a verdict, whatever happens.

Without it, click and Python would mislead a caller that reads `ExitCode`: a mistyped option exits with 2, which means
*undetermined*; an unexpected exception, Ctrl-C or a closed pipe exits with 1, which means *breached*. Here the first
exits with `USAGE`. The others decide nothing and exit with `UNDETERMINED`. Not here: options or commands.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click

from fateline_oracle.report.verdict import ExitCode


class VerdictGroup(click.Group):
    """Lists its commands in the order given, and exits with the `ExitCode` that a command returns."""

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
        """Run, and exit with an `ExitCode`. Without `standalone_mode`, do what click does."""

        def run() -> Any:
            return super(VerdictGroup, self).main(args, prog_name, complete_var, standalone_mode=False, **extra)

        if not standalone_mode:
            return run()
        try:
            code = ExitCode(run() or 0)
        except click.ClickException as error:
            error.show()
            code = ExitCode.USAGE
        except click.Abort:
            click.echo("Interrupted: nothing was decided.", err=True)
            code = ExitCode.UNDETERMINED
        except Exception:
            traceback.print_exc()
            click.echo("An error inside fateline: nothing was decided.", err=True)
            code = ExitCode.UNDETERMINED
        sys.exit(code)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # Nobody reads our output any more. Text that is still buffered must not fail again at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return ExitCode.UNDETERMINED

"""A click group whose exit status means the same whatever happens.

By itself click exits 2 for a mistyped option, and Python 1 for an unexpected exception, Ctrl-C or a closed pipe. Here a
command returns its exit status. Bad input is 3. What ends a command before it has a result is 2.

Not here: any command, and what the other numbers mean.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from io import StringIO
from typing import Any, Final

import click

from fateline_console.start import is_pending
from fateline_console.terminal import say

NO_RESULT: Final = 2
BAD_INPUT: Final = 3


class CommandGroup(click.Group):
    """Lists its commands in the order given, and exits with the number that a command returns."""

    interrupted = "Interrupted: nothing was decided."
    broken = "An error inside fateline: nothing was decided."

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.context_settings.setdefault("help_option_names", ["-h", "--help"])

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
        except Exception as error:
            code = self._ended_by(error)
        sys.exit(code)

    def _ended_by(self, error: Exception) -> int:
        """Say what ended a command, and give the exit status."""
        if isinstance(error, click.Abort) or is_pending() or _caused_by_an_interrupt(error):
            say(self.interrupted, err=True)
            return NO_RESULT
        if isinstance(error, click.ClickException):
            shown = StringIO()
            error.show(shown)
            say(shown.getvalue(), err=True, nl=False)
            return BAD_INPUT
        say("".join(traceback.format_exception(error)), err=True, nl=False)
        say(self.broken, err=True)
        return NO_RESULT

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # Nobody reads our output any more. Text that is still buffered must not fail again at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return NO_RESULT


def _caused_by_an_interrupt(error: BaseException | None) -> bool:
    """Whether an interrupt was made into another error on its way, as Python does where a class is being made."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen and not isinstance(error, KeyboardInterrupt):
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return isinstance(error, KeyboardInterrupt)

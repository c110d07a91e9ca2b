"""Defines a command that is imported when it is first used.

`LazyCommand` knows the name of a command, its line of help and the module that defines it. The list of commands, suggestions
for a mistyped name and shell completion need no more. When the command runs, or shows its help, the real command is
imported and used. Not here: any command, and any of the packages behind them.
"""

from importlib import import_module
from typing import Any

import click


class LazyCommand(click.Command):
    """Stands in for the click command at `target`, written `module:function`."""

    def __init__(self, name: str, target: str, help: str) -> None:
        super().__init__(name, help=help, short_help=help)
        self.target = target

    def load(self) -> click.Command:
        """Import the real command."""
        module, _, function = self.target.partition(":")
        command = getattr(import_module(module), function)
        if not isinstance(command, click.Command):
            raise TypeError(f"{self.target} is not a click command")
        return command

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Make the context of the real command, so that the real command is the one invoked."""
        return self.load().make_context(info_name, args, parent, **extra)

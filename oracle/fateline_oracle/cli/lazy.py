"""A command that is imported when it is first used.

What it is: a stand-in that knows a command's name, its line of help and where it lives. Help, suggestions and
shell completion of names need no more. Once the command is to run, or to show its own help, the real one is
imported and takes over.

What it is not: a plugin mechanism. The targets are ours, written down in one table.
"""

from importlib import import_module
from typing import Any

import click


class LazyCommand(click.Command):
    """Stands in for the click command at ``target``, written ``module:function``."""

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
        """Hand over: the context belongs to the real command, so that is the one invoked."""
        return self.load().make_context(info_name, args, parent, **extra)

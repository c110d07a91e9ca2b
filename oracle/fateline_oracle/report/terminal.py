"""What the judge prints with: the terminal module that all commands of `fateline` share. Not here: any code."""

from fateline.terminal import Progress, is_terminal, paint, table, wants_colour

__all__ = ["Progress", "is_terminal", "paint", "table", "wants_colour"]

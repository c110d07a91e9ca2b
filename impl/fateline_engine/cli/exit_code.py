"""`ExitCode`: what the engine's commands tell the process that started them.

Not here: the exit codes of the judge. Both lists agree about 0 to 3, so that `fateline` can hold the commands of both.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit status of a command. `explain`, `graph` and `export` use `DONE`, `BROKEN` and `BAD_INPUT` only."""

    DONE = 0
    """The run has finished, or the command has printed what it was asked for."""
    STOPPED = 1
    """The run has stopped at its last commit and can be resumed."""
    BROKEN = 2
    """An error inside the engine, or an interrupt before a run has begun or after it has ended."""
    BAD_INPUT = 3
    """The command line or the input was wrong; nothing was begun."""

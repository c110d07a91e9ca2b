"""The engine's own exceptions, by who caused the problem, because that decides what to do.

* `Refused`: the caller asked for something that the law forbids. Nothing was written; the run goes on.
* `LimitExceeded`: a configured limit was exceeded. Nothing was written.
* `LandscapeError`: the database is not one of ours, is too new, or is in use.
* `ResumeRefused`: the run cannot be resumed as asked.
* `EngineBug`: the engine contradicts itself. The run stops at its last commit and can be resumed.

Not here: errors of plugins. They are lawful, become verdicts, and never leave the processor.
"""

from fateline_engine.words import Refusal


class EngineError(Exception):
    """The base of all errors of the engine."""


class Refused(EngineError):
    """The law forbids this; `refusal` names the rule. No record was written and nothing has changed."""

    def __init__(self, refusal: Refusal, message: str) -> None:
        super().__init__(f"{refusal}: {message}")
        self.refusal = refusal
        self.message = message


class LimitExceeded(EngineError):
    """A configured limit on fan-out or row size was exceeded. Nothing was written."""

    def __init__(self, what: str, size: int, limit: int, setting: str) -> None:
        super().__init__(f"{what}: {size:,} is more than the limit of {limit:,}; raise {setting} if this is intended")
        self.size = size
        self.limit = limit
        self.setting = setting


class LandscapeError(EngineError):
    """The file cannot be used as an audit database."""


class ResumeRefused(EngineError):
    """There is no such run, it is over, pipeline or source have changed, or the data were changed."""


class EngineBug(EngineError):
    """The engine contradicts itself. The contradiction is reported and not recorded."""

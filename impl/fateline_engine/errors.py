"""Who is to blame decides what to do: the engine's own exceptions.

* ``Refused``: the caller asked for what the law forbids. Nothing was written; the run goes on.
* ``LimitExceeded``: a refusal of the engine's own, with a number that can be configured.
* ``LandscapeError``: the database is not one of ours, too new, or in use.
* ``ResumeRefused``: the run cannot be taken up again as asked.
* ``EngineBug``: we contradict ourselves. The run stops at the last commit and may be resumed.

What it is not: errors of plugins. Those are lawful, become verdicts, and never leave the processor.
"""

from fateline_engine.words import Refusal


class EngineError(Exception):
    """The root of all of them."""


class Refused(EngineError):
    """The law forbids this; ``refusal`` is the rule. No record was written and nothing has changed."""

    def __init__(self, refusal: Refusal, message: str) -> None:
        super().__init__(f"{refusal}: {message}")
        self.refusal = refusal
        self.message = message


class LimitExceeded(EngineError):
    """A configured bound on fan-out or row size. Nothing was written."""

    def __init__(self, what: str, size: int, limit: int, setting: str) -> None:
        super().__init__(f"{what}: {size:,} is more than the limit of {limit:,}; raise {setting} if this is meant")
        self.size = size
        self.limit = limit
        self.setting = setting


class LandscapeError(EngineError):
    """The file cannot serve as our audit database."""


class ResumeRefused(EngineError):
    """No such run, a run that is over, another pipeline, another source, or data that were tampered with."""


class EngineBug(EngineError):
    """A contradiction inside the engine; refused loudly rather than recorded."""

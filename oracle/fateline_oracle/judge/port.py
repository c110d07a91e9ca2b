"""What an engine offers to be judged in lockstep: one run of one pipeline, one stimulus at a time.

An adapter translates; it decides nothing. Stimuli come with the engine's own ids (of tokens, and of the forked token of a
barrier), which the judge has learnt from the engine's records. Not here: the other ports.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from fateline_model.stimuli import Stimulus

Written = Mapping[str, object]
"""One record, as one JSON object a line would say it: `{"rec": "<relation>", …}`."""


class Reply(NamedTuple):
    """What an engine answers to a stimulus: the records of the step, or a refusal, with its own word for the rule."""

    records: Sequence[Written] = ()
    refused: str | None = None
    message: str = ""


class Hold(NamedTuple):
    """A barrier or a batch by the engine's ids: the node, and the forked token or the batch."""

    node: str
    token: str | None = None
    batch: str | None = None


class PipelinePort(Protocol):
    """One run of one pipeline."""

    def start(self, pipeline: Mapping[str, object]) -> None:
        """Begin a new run of this pipeline, in the form of `specs/pipeline.md`. An earlier run is given up."""
        ...

    def do(self, stimulus: Stimulus, hold: Hold | None) -> Reply:
        """One stimulus; `stimulus.token` is the engine's id, and `hold` says what `stimulus.hold` names."""
        ...

    def close(self) -> None:
        """Give up the run and whatever it holds."""
        ...


class NotOffered(Exception):
    """A port has no way to say this stimulus. It is skipped and counted, never passed."""


class EngineFault(Exception):
    """The engine broke down where it should have answered: an error of the case, never of the judge."""

"""Everything that can happen to a pipeline's run, as data. All nondeterminism is in the choice of stimulus.

`SHAPES` lists the fields of each stimulus; the JSON Schema and the page in the book are made from it. Not here: the
operations of the lifecycle machine (`lifecycle.py`), what a stimulus does (`machine.py`), and its JSON form
(`stimuli_json.py`).
"""

import re
from enum import StrEnum
from typing import Final, NamedTuple

from .words import MergeData


class Do(StrEnum):
    READ = "read"
    BEGIN = "begin"
    FINISH = "finish"
    ARRIVE = "arrive"
    ACCEPT = "accept"
    FLUSHED = "flushed"
    DEADLINE = "deadline"
    CONDITION = "condition"
    END_OF_SOURCE = "end_of_source"
    FLUSH = "flush"
    RUN_OVER = "run_over"
    CRASH = "crash"
    RESUME = "resume"


class Validity(StrEnum):
    """What the source reports about a row."""

    VALID = "valid"
    INVALID = "invalid"
    NO_CONTRACT = "no_contract"


class Stimulus(NamedTuple):
    """One thing that happens. `hold` names a barrier or a batch; `data` prescribes the outcomes of the merges, in order."""

    do: Do
    row: int | None = None
    token: str | None = None
    verdict: str | None = None
    hold: str | None = None
    data: tuple[MergeData, ...] = ()

    def __str__(self) -> str:
        about = [str(value) for value in (self.row, self.token, self.hold, self.verdict) if value is not None]
        outcomes = f" [{', '.join(self.data)}]" if any(word is not MergeData.OK for word in self.data) else ""
        return f"{self.do}({', '.join(about)}){outcomes}"


_COUNT: Final = re.compile("[1-9][0-9]{0,5}")


def count_of(argument: str) -> int | None:
    """The count that a verdict such as `expand 2` carries: a plain number from 1, of at most six digits."""
    return int(argument) if _COUNT.fullmatch(argument) else None


class Shape(NamedTuple):
    """The fields that a stimulus must carry, whether it can carry `data`, and what it means."""

    must: tuple[str, ...]
    merges: bool
    meaning: str


SHAPES: Final[dict[Do, Shape]] = {
    Do.READ: Shape(("row", "verdict"), False, "the source gives a row: `valid`, `invalid`, or valid but `no_contract`"),
    Do.BEGIN: Shape(("token",), False, "a visit opens at a transform, a gate or a sink"),
    Do.FINISH: Shape(("token", "verdict"), True, "the visit ends with the node's verdict"),
    Do.ARRIVE: Shape(("token",), True, "the token reaches a coalesce"),
    Do.ACCEPT: Shape(("token",), False, "the token enters a batch of an aggregation"),
    Do.FLUSHED: Shape(("hold", "verdict"), True, "the plugin answers: `outputs k`, `passed`, `empty`, `error`"),
    Do.DEADLINE: Shape(("hold",), True, "the timeout of a barrier or a batch has passed"),
    Do.CONDITION: Shape(("hold",), False, "the condition of a batch became true"),
    Do.END_OF_SOURCE: Shape((), False, "the source has no more rows"),
    Do.FLUSH: Shape(("hold",), True, "the source has ended, and nothing can reach the barrier or batch any more"),
    Do.RUN_OVER: Shape((), False, "the run is declared completed"),
    Do.CRASH: Shape((), False, "the process ends and writes nothing; what was committed stays"),
    Do.RESUME: Shape((), False, "the same run continues in a new process"),
}

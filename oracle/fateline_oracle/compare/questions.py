"""Counts the questions that a wrong engine could have failed: for each law, the steps in which it could have been broken.

A law is asked about a step if the law writes a record there that the law is about (`Law.on`) and something happens that
can break it. A run without a crash says nothing about resume, and a fork without an expansion nothing about the children
of an expansion. `MOMENTS` says what must happen, for each law of which the kinds of records do not say it. The laws of
data count for themselves, where digests and times are compared (`data_laws.py`).

Not here: laws at rest, and the search through the model, which count otherwise.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from fateline_model.barrier_machine import BarrierEvent, BarrierStimulus
from fateline_model.laws import ALL, Family
from fateline_model.lifecycle import Op, Operation
from fateline_model.records import BarrierRecord, BatchRecord, LossRecord, OutcomeRecord, Record, RunRecord, TokenRecord
from fateline_model.stimuli import Do, Stimulus
from fateline_model.words import BarrierVerdict, GroupKind, Outcome, Reason, RunStatus

from .data_laws import LAWS as OF_DATA

Step = frozenset[object]
"""What a step is about: the stimulus, the kinds of its records, and the words in them."""

_ARRIVALS: Final = (Do.ARRIVE, BarrierEvent.ARRIVE)
_LATE: Final = (Reason.LATE_ARRIVAL_AFTER_MERGE, Reason.LATE_ARRIVAL_AFTER_FAILURE)
_BARRIERS: Final = (*_ARRIVALS, BarrierRecord, LossRecord)
_SUCCESSORS: Final = (Outcome.FORKED, Outcome.EXPANDED, Outcome.COALESCED, Outcome.CONSUMED_IN_BATCH)
MOMENTS: Final[Mapping[str, tuple[object, ...]]] = {
    "F2": (RunStatus.COMPLETED,),
    "F5": (Outcome.BUFFERED, BatchRecord),
    "F6": (*_SUCCESSORS, *GroupKind),
    "K1": (Outcome.FORKED,),
    "K2": (Outcome.FORKED, GroupKind.FORK),
    "K4": (GroupKind.FORK,),
    "X1": (Outcome.EXPANDED,),
    "X3": (Outcome.EXPANDED, GroupKind.EXPAND),
    "C2": (GroupKind.JOIN,),
    "C4": _BARRIERS,
    "C5": (*_LATE, RunStatus.COMPLETED),
    "C6": (*_ARRIVALS, LossRecord),
    "C7": (BarrierVerdict.FAILED,),
    "C8": _BARRIERS,
    "C10": (RunStatus.COMPLETED,),
    "C12": (Do.FLUSH, BarrierEvent.FLUSH, BarrierRecord, BatchRecord),
    "C14": (GroupKind.JOIN,),
    "C16": _LATE,
    "B1": (Op.BUFFER, Op.CONSUME, Do.ACCEPT, BatchRecord),
    "B5": (GroupKind.BATCH,),
    "V1": (RunStatus.COMPLETED,),
    "R1": (Do.CRASH,),
    "R2": (Do.CRASH, Do.RESUME),
    "R5": (Do.RESUME,),
}
"""What must happen in a step, at least one of these, so that the law could have been broken in it."""


def _mark(word: object) -> object:
    """A word together with its list, because equal words of two lists mean different things; a kind of record as it is."""
    return word if isinstance(word, type) else (type(word), word)


_MARKS: Final = {law: frozenset(map(_mark, words)) for law, words in MOMENTS.items()}

_WORDS: Final[Mapping[type, tuple[str, ...]]] = {
    OutcomeRecord: ("outcome", "reason"),
    TokenRecord: ("group_kind",),
    BarrierRecord: ("verdict",),
    RunRecord: ("status",),
}
"""The columns whose words are in a step."""


def step_of(stimulus: Stimulus | Operation | BarrierStimulus, records: Iterable[Record]) -> Step:
    """What a step of the law is about."""
    found: set[object] = {_mark(stimulus.op if isinstance(stimulus, Operation) else stimulus.do)}
    for record in records:
        found.add(type(record))
        found.update(_mark(getattr(record, column)) for column in _WORDS.get(type(record), ()))
    return frozenset(found)


def asked(steps_about: Mapping[Step, int], steps: int, refusals: int) -> Counter[str]:
    """How often each law was asked about, by what was driven: lawful steps, and stimuli that the law refuses."""
    return Counter({**questions(steps_about), **dict.fromkeys(("Z1", "Z2"), refusals), "D1": steps})


def questions(steps: Mapping[Step, int]) -> dict[str, int]:
    """The number of steps in which each law could have been broken."""
    return {
        law.id: sum(
            count
            for step, count in steps.items()
            if (not law.on or not step.isdisjoint(law.on))
            and (law.id not in _MARKS or not step.isdisjoint(_MARKS[law.id]))
        )
        for law in ALL
        if law.predicate is not None and law.family is not Family.REFUSAL and law.id not in OF_DATA
    }

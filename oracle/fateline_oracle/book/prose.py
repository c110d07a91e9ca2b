"""Sentences in the tables of the book: lines may be broken anywhere, and `{words:Policy}` becomes a list of the policies.

So a word that the model gains or loses changes the page. Not here: the tables.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from msgspec.structs import force_setattr

from fateline_model.checker.scopes import NAMED
from fateline_model.coalesce import Event
from fateline_model.kernels import Phase
from fateline_model.laws import Family
from fateline_model.records import RELATIONS
from fateline_model.words import (
    OUTCOMES,
    BarrierVerdict,
    BatchMode,
    GroupKind,
    LossReason,
    MergeData,
    NodeKind,
    Policy,
    Refusal,
    RunStatus,
    Strategy,
    Trigger,
    VisitStatus,
)

from ..ports.port import Port, Write
from ..report.verdict import NOT_JUDGED, Verdict
from ..toml_tables import Entry
from .markdown import code

_ENUMERATIONS: Final = (
    BarrierVerdict, BatchMode, Event, Family, GroupKind, LossReason, MergeData, NodeKind, Phase, Policy, Port, Refusal,
    RunStatus, Strategy, Verdict, VisitStatus, Write,
)  # fmt: skip
WORDS: Final[Mapping[str, Iterable[object]]] = {
    **{enumeration.__name__: enumeration for enumeration in _ENUMERATIONS},
    "BatchTrigger": [one for one in Trigger if str(one) not in {str(event) for event in Event}],
    "Fate": [outcome for outcome, rule in OUTCOMES.items() if rule.terminal],
    "NotJudged": [NOT_JUDGED],
    "Relation": RELATIONS,
    "Scope": NAMED,
}
FORMS: Final[Mapping[str, Callable[[Iterable[object]], str]]] = {
    "words": lambda words: ", ".join(f"`{word}`" for word in words),
    "code": code,
    "names": lambda words: ", ".join(str(word).lower() for word in words),
    "count": lambda words: str(sum(1 for _ in words)),
}
_PLACEHOLDER: Final = re.compile(r"\{(\w+):(\w+)\}")


class Prose(Entry, frozen=True):
    """An entry of a table whose texts are sentences."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            force_setattr(self, name, _told(getattr(self, name)))


def _told(value: object) -> object:
    if isinstance(value, dict):
        return {key: _told(inner) for key, inner in value.items()}
    return _PLACEHOLDER.sub(_filling, " ".join(value.split())) if isinstance(value, str) else value


def _filling(found: re.Match[str]) -> str:
    form, words = FORMS.get(found[1]), WORDS.get(found[2])
    if form is None or words is None:
        raise ValueError(f"{found[0]}: give one of {', '.join(FORMS)}, and one of {', '.join(WORDS)}")
    return form(words)

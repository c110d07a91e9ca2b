"""Defines what a difference between an engine and the law is, for every port, and checks a refusal.

Not here: how a difference is found (`conform/`), and which laws it breaks (`broken_laws.py`).
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from fateline_model import Refusal

from ..ports.port import RecordJson, Reply
from .data_laws import Broken


@dataclass(frozen=True)
class Difference:
    """A difference between the law and an engine.

    `stimuli` are the stimuli so far; the difference is in the last. `expected` is what the law records in it, or the rule by
    which the law refuses it. `observed` is what the engine recorded, or the text of its refusal or failure. `differences`
    says how they differ, `laws` which laws that breaks; it is empty if the engine failed. A run that is checked by its trail
    alone has no last step: its `expected` is empty, and `observed` says what was checked.
    """

    stimuli: tuple[Any, ...]
    expected: tuple[RecordJson, ...] | Refusal
    observed: tuple[RecordJson, ...] | str
    differences: tuple[str, ...]
    laws: tuple[Broken, ...]

    @property
    def law(self) -> str | None:
        """The law that is named first."""
        return self.laws[0][0] if self.laws else None

    def __str__(self) -> str:
        lines = [f"{number:>3}. {stimulus}" for number, stimulus in enumerate(self.stimuli, 1)]
        lines += [f"     {law}: {message}" for law, message in self.laws]
        return "\n".join([*lines, *(f"     {line}" for line in self.differences)])


class WrongRefusal(NamedTuple):
    """The problem with an answer to a stimulus that the law refuses. It is `weak` if only the rule is wrong."""

    message: str
    weak: bool = False


def wrong_refusal(rule: Refusal, reply: Reply, *, rules_are_named: bool = True) -> WrongRefusal | None:
    """Check the answer to a stimulus that the law refuses: refused, without a record, by the same rule if rules are named."""
    if reply.refused is None:
        return WrongRefusal(
            f"the law refuses this stimulus ({rule}), and the engine recorded {len(reply.records)} records"
        )
    if reply.records:
        return WrongRefusal(f"the engine refused, but recorded {len(reply.records)} records")
    if rules_are_named and reply.refused != rule:
        return WrongRefusal(f"the engine refused as {reply.refused}; the law refuses as {rule}", weak=True)
    return None

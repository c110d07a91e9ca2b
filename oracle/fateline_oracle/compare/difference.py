"""Where an engine leaves the law: one type for every port, and what is wrong with a refusal.

Not here: how a difference is found (`conform/`), and which laws it breaks (`broken_laws.py`).
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from fateline_model import Refusal

from ..ports.port import RecordJson, Reply
from .data_laws import Broken


@dataclass(frozen=True)
class Difference:
    """The stimuli so far; what the law records in the last of them, or the rule by which it refuses it; what the engine
    recorded, or how it refused or broke down; in what they differ; and the laws that this breaks.

    `laws` is empty where the engine broke down, since then nothing can be said of a law. A run that is judged by its trail
    alone has no last step: its `expected` is empty, and `observed` says what was judged.
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
    """What is wrong with the answer to something that the law refuses; `weak` if only the rule that was named is."""

    message: str
    weak: bool = False


def wrong_refusal(rule: Refusal, reply: Reply, *, rules_are_named: bool = True) -> WrongRefusal | None:
    """What the law refuses, an engine refuses too: by the same rule, if it names rules, and without a record."""
    if reply.refused is None:
        return WrongRefusal(f"the law refuses this ({rule}), and the engine recorded {len(reply.records)} records")
    if reply.records:
        return WrongRefusal(f"refused, and yet the engine recorded {len(reply.records)} records")
    if rules_are_named and reply.refused != rule:
        return WrongRefusal(f"refused as {reply.refused}, and the law refuses it as {rule}", weak=True)
    return None

"""Defines what a difference between an engine and the law is, for every port, and checks a refusal.

Differences of one `Kind` are one finding, however many instances and states have it. Not here: how a difference is found
(`conform/`), and which laws it breaks (`broken_laws.py`).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from fateline_model import Refusal
from fateline_model.laws import LAWS, Level

from ..ports.port import RecordJson, Reply
from .broken_laws import GENERIC_LAWS
from .data_laws import Broken
from .marks import named_as
from .records import HOW, shape

SEVERITIES: Final = (
    "duty: a record is missing or should not exist",
    "duty: a record differs",
    "choice: a record is missing or should not exist",
    "choice: a record differs",
    "the engine failed",
)
"""The severities of differences, the worst first. A duty is a core law, a choice is a law that a profile may declare."""


class Kind(NamedTuple):
    """What several differences have in common, so that they are one finding."""

    law: str | None
    """The law that is named first; None if the engine failed."""
    stimulus: str
    """The stimulus without names."""
    met: tuple[str, ...]
    """What the stimulus met in the law: its node, its barrier, its batch."""
    differed: tuple[str, ...]
    """The differences without names."""

    def __str__(self) -> str:
        met = f" at {', '.join(self.met)}" if self.met else ""
        return f"{self.stimulus}{met}: {'; '.join(self.differed)}"

    def resembles(self, other: "Kind") -> bool:
        """True if the two differ at most in what the stimulus met, and in its verdict."""
        return (self.law, self.stimulus.partition("(")[0], self.differed) == (
            other.law,
            other.stimulus.partition("(")[0],
            other.differed,
        )


@dataclass(frozen=True)
class Difference:
    """A difference between the law and an engine.

    `stimuli` are the stimuli so far; the difference is in the last. `expected` is what the law records in it, or the rule by
    which the law refuses it. `observed` is what the engine recorded, or the text of its refusal or failure. `differences`
    says how they differ, `laws` which laws that breaks; it is empty if the engine failed. A run that is checked by its trail
    alone has no last step: its `expected` is empty, and `observed` says what was checked.

    `met` says what the last stimulus met. If `goes_on`, law and engine are in the same state all the same, so the run can
    go on behind this difference. If `weak`, only the word of a refusal differs.
    """

    stimuli: tuple[Any, ...]
    expected: tuple[RecordJson, ...] | Refusal
    observed: tuple[RecordJson, ...] | str
    differences: tuple[str, ...]
    laws: tuple[Broken, ...]
    met: tuple[str, ...] = ()
    goes_on: bool = False
    weak: bool = False

    @property
    def law(self) -> str | None:
        """The law that is named first."""
        return self.laws[0][0] if self.laws else None

    @property
    def kind(self) -> Kind:
        """The kind of this difference."""
        stimulus = named_as(self.stimuli[-1]) if self.stimuli else "a whole run"
        return Kind(self.law, stimulus, self.met, tuple(dict.fromkeys(map(self._differed, self.differences))))

    def _differed(self, line: str) -> str:
        """One difference without names. A law about data has one kind, whatever the values are."""
        told = shape(line)
        if told is not None:
            return told
        law = next((law for law, message in self.laws if message == line and law not in GENERIC_LAWS), None)
        return law or " ".join(word for word in line.split() if not any(sign in word for sign in "0123456789/[]@#"))

    @property
    def severity(self) -> int:
        """The place in `SEVERITIES`."""
        if not self.laws:
            return len(SEVERITIES) - 1
        if self.weak:
            return len(SEVERITIES) - 2
        named = [law for law, _ in self.laws if law not in GENERIC_LAWS] or [law for law, _ in self.laws]
        duty = any(LAWS[law].level is Level.CORE for law in named)
        return 2 * (not duty) + (not any(line.startswith(HOW) for line in self.differences))

    def shows(self, other: "Difference") -> bool:
        """True if this shows what the other shows: a kind that resembles, and every law that the other breaks. R2 may be
        missing: every difference behind a crash breaks it, and this one may need no crash."""
        needed = set(dict(other.laws)) - {*GENERIC_LAWS, "R2"}
        return self.kind.resembles(other.kind) and needed <= set(dict(self.laws))

    def is_declared(self, declared: frozenset[str]) -> bool:
        """True if it breaks only laws that a profile declares, beside those that nearly every difference breaks."""
        return only_declared((law for law, _ in self.laws), declared)

    def __str__(self) -> str:
        lines = [f"{number:>3}. {stimulus}" for number, stimulus in enumerate(self.stimuli, 1)]
        lines += [f"     {law}: {message}" for law, message in self.laws]
        return "\n".join([*lines, *(f"     {line}" for line in self.differences)])


def only_declared(laws: Iterable[str], declared: Collection[str]) -> bool:
    """True if a profile declares all of these laws but those that nearly every difference breaks."""
    named = set(laws) - {"D1", "D2"}
    return bool(named) and named <= set(declared)


class WrongRefusal(NamedTuple):
    """The problem with an answer to a stimulus that the law refuses. It is `weak` if only the rule is wrong."""

    message: str
    weak: bool = False


def wrong_refusal(rule: Refusal, reply: Reply, *, rules_are_named: bool = True) -> WrongRefusal | None:
    """Check the answer to a stimulus that the law refuses: refused, without a record, by the same rule if rules are named.

    An engine that names no rules may ignore it as well, which leaves no record either.
    """
    if reply.refused is None and not reply.records and not rules_are_named:
        return None
    if reply.refused is None:
        return WrongRefusal(
            f"the law refuses this stimulus ({rule}), and the engine recorded {len(reply.records)} records"
        )
    if reply.records:
        return WrongRefusal(f"the engine refused, but recorded {len(reply.records)} records")
    if rules_are_named and reply.refused != rule:
        return WrongRefusal(f"the engine refused as {reply.refused}; the law refuses as {rule}", weak=True)
    return None

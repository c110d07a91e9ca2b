"""Collects the differences of one instance by their kind: how often each was met, and its shortest case.

Not here: how a case is made short (`shrink.py`, `machine_driver.py`), and what a report makes of it (`verdict.py`).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from ..compare.difference import SEVERITIES, Difference, Kind
from ..report.verdict import Finding

ALIKE: Final = 3
"""After so many refused stimuli of one kind that met the same and made law and engine part, no more of them are tried."""


@dataclass
class Found:
    """One kind of difference: its shortest case, how many steps and refusals differed so, and how many steps it closed."""

    shortest: Difference
    count: int = 0
    closed: int = 0
    named: Counter[str] = field(default_factory=Counter)
    """How many of the differences broke each law."""

    @property
    def laws(self) -> Counter[str]:
        """How many of the differences broke each law. A longer case may break more laws than the shortest. Every difference
        behind a crash breaks R2 too; if the shortest case has no crash, the crash is not the reason."""
        shortest = dict(self.shortest.laws)
        return Counter({law: count for law, count in self.named.items() if law != "R2" or law in shortest})

    def finding(self, where: str, instances: Iterable[str], case: str | None = None) -> Finding:
        """This kind in the words of a report."""
        found = finding_of(self.shortest, where, alike=self.laws)
        return replace(found, count=self.count, instances=tuple(instances), case=case)

    @property
    def order(self) -> tuple[int, int]:
        """Worst first, then the shortest case first."""
        return self.shortest.severity, len(self.shortest.stimuli)


@dataclass
class Findings:
    """The kinds of differences that were found."""

    of_kind: dict[Kind, Found] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.of_kind)

    def __iter__(self) -> Iterator[Found]:
        return iter(sorted(self.of_kind.values(), key=lambda found: found.order))

    @property
    def is_strong(self) -> bool:
        """True if anything but the word of a refusal differed."""
        return any(not found.shortest.weak for found in self.of_kind.values())

    def note(self, difference: Difference, *, closed: bool = False, count: int = 1) -> Found:
        """Add a difference. If its case is the shortest of its kind, it is kept."""
        found = self.of_kind.get(difference.kind)
        if found is None:
            found = self.of_kind[difference.kind] = Found(difference)
        elif len(difference.stimuli) < len(found.shortest.stimuli):
            found.shortest = difference
        found.count += count
        found.closed += closed
        found.named.update(dict.fromkeys(dict(difference.laws), count))
        return found

    def is_new(self, difference: Difference) -> bool:
        return difference.kind not in self.of_kind

    def shorten(self, kind: Kind, shorter: Difference) -> None:
        """Replace the case of a kind by one that was made shorter. It may have met something else."""
        found = self.of_kind.pop(kind)
        known = self.of_kind.get(shorter.kind)
        if known is None:
            found.shortest = shorter
            self.of_kind[shorter.kind] = found
            return
        known.count += found.count
        known.closed += found.closed
        known.named.update(found.named)
        if len(shorter.stimuli) < len(known.shortest.stimuli):
            known.shortest = shorter

    @property
    def breach(self) -> Difference | None:
        """The first difference that breaks a law."""
        return next((found.shortest for found in self if found.shortest.laws), None)

    @property
    def failures(self) -> list[str]:
        """The words of the engine where it failed."""
        return [found.shortest.differences[0] for found in self if not found.shortest.laws]


def broken_by(kinds: Iterable[Found]) -> Counter[str]:
    """How many differences broke each law."""
    return sum((found.laws for found in kinds), Counter())


def finding_of(found: Difference, where: str, only: Collection[str] = (), *, alike: Iterable[str] = ()) -> Finding:
    """A difference that breaks a law, in the words of a report. `only` are the laws that were asked for; nothing: all.
    `alike` are the laws that differences of the same kind break."""
    laws = [law for law in dict.fromkeys([*dict(found.laws), *alike]) if not only or law in only]
    token = getattr(found.stimuli[-1], "token", None) if found.stimuli else None
    return Finding(
        laws[0],
        f"{where}: {found.laws[0][1]}",
        tokens=(token,) if token is not None else (),
        kind=str(found.kind),
        severity=SEVERITIES[found.severity],
        steps=len(found.stimuli),
        also=tuple(laws[1:]),
    )

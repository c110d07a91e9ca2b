"""What judging an engine gives, as plain data: for the terminal, for JSON and for the report page alike.

Not here: how it is found (`campaign.py`), and how it looks.
"""

from dataclasses import dataclass, field

from ..ports.port import Hello
from ..report.verdict import Report


@dataclass(frozen=True)
class FamilyCoverage:
    """How much of one family's local graphs an engine was driven through. Totals are those it could be driven through."""

    family: str
    machine: str
    instances: int
    states: int
    states_total: int
    transitions: int
    transitions_total: int
    steps: int
    refusals: int
    seconds: float


@dataclass(frozen=True)
class SelfTest:
    """One engine with a seeded bug that was judged before the verdict, to see that the judge would notice."""

    animal: str
    says: str
    law: str
    named: str | None
    """The law that was named first; None if nothing was noticed."""
    steps: int


@dataclass(frozen=True)
class Declared:
    """A law that the engine's profile says it does otherwise, in its own sentence. Core laws cannot be declared away."""

    law: str
    sentence: str


@dataclass(frozen=True)
class Conformance:
    """Everything that one run of `conform` found. `cases` are counterexamples by `specs/schemas/case.schema.json`."""

    hello: Hello
    report: Report
    coverage: tuple[FamilyCoverage, ...]
    cases: tuple[dict[str, object], ...] = ()
    self_tests: tuple[SelfTest, ...] = ()
    declared: tuple[Declared, ...] = ()
    faults: tuple[str, ...] = ()
    """Where the engine broke down instead of answering; each is an error of that case."""
    notes: tuple[str, ...] = field(default=())

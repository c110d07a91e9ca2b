"""The result of checking an engine, as plain data for the terminal, for JSON and for the report page.

Not here: how it is found (`campaign.py`), and how it is shown (`render/`).
"""

from dataclasses import dataclass, field

from ..ports.port import Hello
from ..report.verdict import Report


@dataclass(frozen=True)
class FamilyCoverage:
    """How much of one family's local graphs an engine was driven through. The totals leave out what it does not support."""

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
    """One engine with a seeded bug, checked before the verdict to show that the judge would notice it."""

    bug: str
    says: str
    law: str
    named: str | None
    """The law that was named first; None if the bug was not noticed."""
    steps: int


@dataclass(frozen=True)
class Declared:
    """A law that the engine deliberately does not follow, with the sentence of its profile. A core law cannot be declared."""

    law: str
    sentence: str
    count: int = 0
    """The number of steps that differ so."""


@dataclass(frozen=True)
class Conformance:
    """Everything that one run of `conform` found.

    `cases` are counterexamples by `specs/schemas/case.schema.json`: the shortest of each finding of the report, in the same
    order, then those in which the engine failed.
    """

    hello: Hello
    report: Report
    coverage: tuple[FamilyCoverage, ...]
    cases: tuple[dict[str, object], ...] = ()
    self_tests: tuple[SelfTest, ...] = ()
    declared: tuple[Declared, ...] = ()
    faults: tuple[str, ...] = ()
    """The places where the engine failed instead of answering; each is an error of that case."""
    notes: tuple[str, ...] = field(default=())

"""Examples of laws and mutants that a reader can play: the counterexamples of all mutants, on one page for each pipeline.

The law's mutants were explored to their shortest counterexample when the book was made; those of the engine are kept by
`fateline zoo --lock`. Not here: the page of the explorer (`render/explorer`), and where the links stand (`additions.py`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from fateline_model.checker.systems import System

from ...conform.replay import BadCase, Case
from ...law.verification import MutantReport
from ...mutants import MUTANTS
from ...mutants.kill import place_called
from ...mutants.mutant import Mutant
from ...render.explorer.lines import Example, line_of_case, play_of_examples, together
from ...render.explorer.page import page
from ...report.case import case_document

STATES: Final = 60
"""States on a page, at most, besides those of its examples."""
KERNELS: Final = "kernels"
"""The family of mutants that are found on kernels: these have no steps."""
HOME: Final = ("../index.html", "The book")
LAW: Final = "law"
ENGINE: Final = "engine"
"""Whose mutant it is; also the beginning of the name of its example."""
PAGES: Final = {LAW: "mutants", ENGINE: "evidence"}


class Key(NamedTuple):
    """A mutant of the law or of the engine."""

    of: str
    mutant: str

    @property
    def page(self) -> str:
        """The page of the book that has its row."""
        return f"{PAGES[self.of]}.md"

    @property
    def href(self) -> str:
        """Its row, from the top of the site."""
        return f"{PAGES[self.of]}.html#{self.mutant}"


class Playable(NamedTuple):
    """An example, as the book links to it."""

    key: Key
    law: str
    """The law that its mutant is made to break."""
    laws: tuple[str, ...]
    steps: int
    instance: str
    href: str


@dataclass
class Examples:
    """What can be played, and for each other mutant why it cannot."""

    playable: dict[Key, Playable] = field(default_factory=dict)
    without: dict[Key, str] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
    """The pages of the explorer, by their paths below the site."""

    def of_law(self, law: str) -> Playable | None:
        """The shortest example in which a law is broken; one of a mutant that is made for it, if there is any."""
        found = [one for one in self.playable.values() if law in one.laws]
        return min(found, key=lambda one: (one.law != law, one.steps, one.key), default=None)


def examples_of(reports: Sequence[MutantReport], kept: Mapping[str, Mapping[str, Any]]) -> Examples:
    """The examples of the law's mutants, and of those of the engine whose cases are kept."""
    found = Examples()
    groups: dict[str, list[tuple[Key, str, Case]]] = {}
    for report in reports:
        key = Key(LAW, report.mutant.name)
        case = _case_of(report)
        if case is None:
            found.without[key] = "it was found on the kernels of the law"
        else:
            groups.setdefault(case.instance, []).append((key, report.mutant.law, case))
    for mutant in MUTANTS.values():
        key = Key(ENGINE, mutant.name)
        if mutant.name not in kept:
            found.without[key] = _why_not(mutant)
            continue
        groups.setdefault(str(kept[mutant.name]["instance"]), []).append((key, mutant.law, _as_case(kept[mutant.name])))
    for instance, cases in groups.items():
        _play(instance, cases, found)
    return found


def _why_not(mutant: Mutant) -> str:
    if mutant.tortured:
        return "it shows only when the engine is crashed in the middle of a step"
    if mutant.guard is not None:
        return "a guard of the database refuses what it writes"
    return "its case is not kept"


def _case_of(report: MutantReport) -> Case | None:
    """The counterexample of a mutant of the law; None if it has no steps."""
    if not report.steps or report.mutant.family == KERNELS:
        return None
    instance = place_called(report.instance)
    document = case_document(
        report.mutant.mistake, instance.machine, instance.name, instance.document, report.laws, report.steps, None, ""
    )
    return _as_case(document)


def _as_case(document: Mapping[str, Any]) -> Case:
    laws = tuple(str(law[0]) for law in document["laws"])
    return Case(document, str(document["machine"]), str(document["instance"]), "", laws)


def _play(instance: str, cases: Iterable[tuple[Key, str, Case]], found: Examples) -> None:
    """The page of one instance, with all its examples."""
    slug = re.sub(r"[^a-z0-9]+", "-", instance.lower()).strip("-")
    examples, systems = list[Example](), list[System]()
    for key, law, case in cases:
        try:
            line = line_of_case(case)
        except BadCase as problem:
            found.without[key] = str(problem)
            continue
        name = f"{key.of}-{key.mutant}"
        examples.append(Example(name, line, f"../{key.href}", f"{', '.join(case.laws)}, {len(line.stimuli)} steps"))
        systems.append(line.system)
        href = f"play/{slug}.html#{name}/"
        found.playable[key] = Playable(key, law, case.laws, len(line.stimuli), instance, href)
    if examples:
        about = (
            f"Choose an example below. Each is the shortest in which a mutant was found in this pipeline ({instance})."
        )
        play = play_of_examples(together(systems), examples, instance, about, STATES, HOME)
        found.pages[f"play/{slug}.html"] = page(play)

"""What the site adds to the pages: "play this" beside laws and mutants, the laws of a term, the pipelines that are played.

Each addition is HTML with its place. Not here: finding the places in a page (`markdown_html.py`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Final

from fateline_model import LAWS
from fateline_model.laws import Law

from ...render.html import element, section, table, text
from ...vectors.store import INDEX, folder_of
from ..markdown import anchor
from .examples import ENGINE, Examples, Key, Playable
from .references import laws_by_term

PLAY: Final = "Play this"
VECTORS: Final = "vectors.html"


@dataclass
class Additions:
    """HTML by its place. What was placed is noted, so that nothing is lost without a word."""

    after: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    """By page and anchor of a heading: after how many paragraphs, and what."""
    rows: dict[Key, str] = field(default_factory=dict)
    """By mutant: what stands below its name."""
    ends: dict[str, str] = field(default_factory=dict)
    """By page: what stands at its end."""
    placed: set[tuple[str, str]] = field(default_factory=set)

    def lost(self) -> list[str]:
        """What has no place in the pages."""
        wanted = {(page, place) for page, place in self.after} | {(key.page, key.mutant) for key in self.rows}
        return [f"{page}: nothing is called {place}" for page, place in sorted(wanted - self.placed)]


def additions(examples: Examples) -> Additions:
    """Everything that is added."""
    made = Additions()
    for law in LAWS.values():
        made.after["laws.md", law.id] = (1, _beside_a_law(law, examples))
    for entry, laws in laws_by_term().items():
        links = " ".join(text("a", law, href=f"laws.html#{law}") for law in laws)
        place = entry.partition("#")[2]
        made.after["glossary.md", place] = (2, element("p", f"Laws that use the word: {links}", class_="uses"))
    for key in (*examples.playable, *examples.without):
        made.rows[key] = _beside_a_mutant(key, examples)
    made.ends["vectors.md"] = _pipelines(examples)
    return made


def _beside_a_law(law: Law, examples: Examples) -> str:
    """An example of a law, or why there is none."""
    found = examples.of_law(law.id)
    if found is None:
        why = law.elsewhere or "no mutant that breaks it has steps"
        return element("p", f"No example to play: {escape(why.rstrip('.'))}.", class_="play")
    whose = "of the engine" if found.key.of == ENGINE else "of the law"
    steps = f"{found.steps} {'step' if found.steps == 1 else 'steps'}"
    mutant = element("a", text("code", found.key.mutant), href=found.key.href)
    where = text("a", found.instance, href=f"{VECTORS}#{anchor(found.instance)}")
    return element(
        "p",
        f"{_button(found)} It is broken after {steps} in the pipeline {where}, by the mutant {mutant} {whose}.",
        class_="play",
    )


def _beside_a_mutant(key: Key, examples: Examples) -> str:
    if (found := examples.playable.get(key)) is not None:
        return element("div", _button(found), class_="play")
    said = text("small", f"No steps to play: {examples.without[key]}")
    twin = examples.playable.get(Key(key.of, f"{key.mutant}-unguarded"))
    return element(
        "div", f"{said} {_button(twin, f'{PLAY} without guards')}" if twin is not None else said, class_="play"
    )


def _button(found: Playable, says: str = PLAY) -> str:
    label = f"{says}: {found.key.mutant}, {found.steps} steps"
    return f'<a class="button" href="{escape(found.href)}" aria-label="{escape(label)}">{says}</a>'


def _pipelines(examples: Examples) -> str:
    """The pipelines in which examples are played, each with its vectors and the laws that are broken there."""
    index: Mapping[str, Any] = json.loads((folder_of() / INDEX).read_text(encoding="utf-8"))
    published = {str(one["instance"]): one for one in index["instances"]}
    played: dict[str, list[Playable]] = {}
    for one in examples.playable.values():
        played.setdefault(one.instance, []).append(one)
    rows = [_pipeline(name, played.get(name, ()), published.get(name)) for name in {**published, **played}]
    return section(
        "The pipelines",
        text("p", "Each pipeline of the vectors, and each other in which an example is played."),
        table(("Pipeline", "File", "Vectors", "Examples", "Laws that are broken in them"), rows, numeric=(2, 3)),
        id_="the-pipelines",
    )


def _pipeline(name: str, played: Sequence[Playable], published: Mapping[str, Any] | None) -> tuple[str, ...]:
    laws = {law for one in played for law in one.laws}
    links = " ".join(text("a", law, href=f"laws.html#{law}") for law in LAWS if law in laws)
    file = text("code", f"{published['family'].replace(' ', '-')}.jsonl.gz") if published else ""
    href = played[0].href.partition("#")[0] if played else None
    return (
        element("a", "", id=anchor(name)) + (text("a", name, href=href) if href else text("span", name)),
        file,
        f"{published['vectors']:,}" if published else "",
        f"{len(played)}" if played else "",
        links,
    )

"""Finds what a text of the book refers to: laws, decisions, mutants, files, and the terms of the glossary.

All targets are paths from the top of the site. Not here: Markdown (`markdown_html.py`).
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from fateline_model import LAWS

from ..decisions import DECISIONS
from ..glossary import TERMS
from ..markdown import anchor
from .examples import ENGINE, LAW, PAGES, Key

Part = tuple[str, str | None]
"""A piece of text, and what it refers to."""

OF_THE_ENGINE: Final = ("evidence.md", "findings.md", "ports.md", "vectors.md")
"""Pages about the engine's mutants. Elsewhere a name that is also one of the law's means that one."""
_NAMED: Final = re.compile(rf"\b(?:{'|'.join(LAWS)}|{'|'.join(one.number for one in DECISIONS)})\b")
_FORMS: Final = {form: one.name for one in TERMS for form in (one.name, f"{one.name}s", f"{one.name}es")}
_TERM: Final = re.compile(rf"\b(?:{'|'.join(sorted(_FORMS, key=len, reverse=True))})\b", re.IGNORECASE)


def path_of(page: str) -> str:
    """The path of a page in the site: `README.md` of a folder is its index."""
    folder, _, name = page.rpartition("/")
    name = "index.html" if name == "README.md" else f"{name.removesuffix('.md')}.html"
    return f"{folder}/{name}" if folder else name


_DECISIONS: Final = {one.number: path_of(f"decisions/{one.file}") for one in DECISIONS}


@dataclass(frozen=True)
class References:
    """What names refer to. `files` are the other files of the site, `mutants` those that have a row."""

    pages: Collection[str]
    files: Collection[str]
    mutants: Collection[Key]

    def named(self, text: str) -> Iterator[Part]:
        """The text in pieces: ids of laws and numbers of decisions, and what is between them."""
        for piece, found in _cut(_NAMED, text):
            target = None if not found else f"laws.html#{piece}" if piece in LAWS else _DECISIONS[piece]
            yield piece, target

    def code(self, text: str, page: str) -> str | None:
        """What a word in code refers to: a mutant, a file, a page, a law."""
        for of in (ENGINE, LAW) if page in OF_THE_ENGINE else (LAW, ENGINE):
            if Key(of, text) in self.mutants:
                return Key(of, text).href
        if text in self.files:
            return text
        return path_of(text) if text in self.pages else f"laws.html#{text}" if text in LAWS else None

    def row(self, text: str, page: str) -> Key | None:
        """The mutant whose row begins with this word, on the page that lists them."""
        key = next((Key(of, text) for of, name in PAGES.items() if page == f"{name}.md"), None)
        return key if key in self.mutants else None


def terms(text: str) -> Iterator[Part]:
    """The text in pieces: the first use of each term of the glossary with its entry, and what is between."""
    met: set[str] = set()
    for piece, found in _cut(_TERM, text):
        term = _FORMS[piece.lower()] if found else ""
        yield piece, f"glossary.html#{anchor(term)}" if term and term not in met else None
        met.add(term)


def laws_by_term() -> dict[str, list[str]]:
    """The laws whose sentences use a term, by the entry of the term."""
    found: dict[str, list[str]] = {}
    for law in LAWS.values():
        for _, entry in terms(law.sentence):
            if entry is not None:
                found.setdefault(entry, []).append(law.id)
    return found


def _cut(pattern: re.Pattern[str], text: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces, and whether each was found by the pattern."""
    at = 0
    for found in pattern.finditer(text):
        if found.start() > at:
            yield text[at : found.start()], False
        yield found[0], True
        at = found.end()
    if at < len(text):
        yield text[at:], False

"""`glossary.md`: every term of the book, defined once, with an example.

The terms are data (`glossary.toml`). Not here: the single words of a vocabulary, such as reasons and refusals
(`vocabulary.py`).
"""

from typing import Final

from ..toml_tables import Entry, each_once, read_table
from .markdown import anchor, page
from .prose import Prose


class Term(Prose, frozen=True):
    """One term: what it is, an example, and the pages that say more."""

    name: str
    says: str
    example: str
    see: str = ""


class _File(Entry, frozen=True):
    term: tuple[Term, ...]


TERMS: Final = read_table(__package__, "glossary.toml", _File).term
each_once((term.name for term in TERMS), "glossary.toml")


def glossary_page() -> str:
    """`glossary.md`."""
    return page(
        "Glossary",
        "Each term of this book, with one meaning unless the entry says otherwise. Names such as `0/a` are those that the "
        "law gives: row `0`, branch `a`. An engine chooses its own ids.",
        " · ".join(f"[{term.name}](#{anchor(term.name)})" for term in TERMS),
        *(_entry(term) for term in TERMS),
    )


def _entry(term: Term) -> str:
    example = term.example if term.example.endswith((".", "`")) else f"{term.example}."
    see = f" See {term.see}." if term.see else ""
    return f"### {term.name}\n\n{term.says}\n\n*Example:* {example}{see}"

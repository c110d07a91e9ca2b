"""`implementers.md`: rules of the law that somebody who writes an engine must know, as questions and answers.

The rules are data (`implementers.toml`). A test asks the model about every one of them
(`tests/oracle/test_rules_for_implementers.py`). Not here: the laws (`evidence.py`) and the messages (`protocol.py`).
"""

import re
from typing import Final

from ..toml_tables import Entry, each_once, read_table
from .markdown import anchor, page
from .prose import Prose


class Rule(Prose, frozen=True):
    """One rule: its name, which is its heading, the question, the answer, and the pages that say more."""

    name: str
    question: str
    answer: str
    where: str


class _Section(Entry, frozen=True):
    title: str
    rule: tuple[Rule, ...]


class _File(Entry, frozen=True):
    section: tuple[_Section, ...]


RULES: Final = {one.title: one.rule for one in read_table(__package__, "implementers.toml", _File).section}
each_once((rule.name for rules in RULES.values() for rule in rules), "implementers.toml")

_LAW: Final = re.compile(r"\b([A-Z]\d{1,2})\b")
_LINK: Final = r"[\1](laws.md#\1)"


def implementers_page() -> str:
    """`implementers.md`."""
    names = [rule.name for rules in RULES.values() for rule in rules]
    return page(
        "What an implementer must know",
        f"{len(names)} questions that arise when an engine is written, with the answer of the law. Each answer has a test; "
        "those about the law ask the model. What a single word means is in the [glossary](glossary.md); whole exchanges of messages are in "
        "[protocol.md](protocol.md).",
        " · ".join(f"[{name}](#{anchor(name)})" for name in names),
        *(_section(title, rules) for title, rules in RULES.items()),
    )


def _section(title: str, rules: tuple[Rule, ...]) -> str:
    parts = [f"## {title}"]
    parts += [
        f"### {rule.name}\n\n**{rule.question}**\n\n{rule.answer}\n\n*See {_LAW.sub(_LINK, rule.where)}.*"
        for rule in rules
    ]
    return "\n\n".join(parts)

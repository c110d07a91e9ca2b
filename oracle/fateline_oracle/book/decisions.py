"""The decisions: which there are, which laws each explains, and the index of them.

They are data (`decisions.toml`). A test checks that each has its page under `specs/decisions/`, with this title and these
laws. Not here: the pages, which people write.
"""

from typing import Final

from ..toml_tables import Entry, each_once, read_table
from .markdown import page, table


class Decision(Entry, frozen=True):
    """One page of `specs/decisions/`: its number, the rest of its file name, its title, and the laws that it explains."""

    number: str
    slug: str
    title: str
    laws: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        return f"{self.number}-{self.slug}.md"


class _File(Entry, frozen=True):
    not_used: tuple[str, ...]
    decision: tuple[Decision, ...]


_READ: Final = read_table(__package__, "decisions.toml", _File)
DECISIONS: Final = _READ.decision
NOT_USED: Final = _READ.not_used
"""Numbers that no page has."""
each_once((*NOT_USED, *(one.number for one in DECISIONS)), "decisions.toml")


def decisions_page() -> str:
    """`decisions/README.md`."""
    rows = [
        (f"[{one.number}]({one.file})", one.title, laws_of(one) or "none: about how the law is checked")
        for one in DECISIONS
    ]
    return page(
        "Decisions",
        "Where the law differs from what engines of this family do, or where something had to be decided: one page for each "
        "decision, with its reason. [laws.md](../laws.md) leads from each law to the decisions that explain it.",
        table(["Number", "Decision", "Laws that it explains"], rows),
        f"No page has the number {' or '.join(NOT_USED)}: the number was not used. Numbers are never given twice.",
        top="../",
    )


def laws_of(decision: Decision) -> str:
    """The laws that a decision explains, as links from its folder."""
    return " ".join(f"[{law}](../laws.md#{law})" for law in decision.laws)


def decisions_of(law: str) -> str:
    """The decisions that explain a law, as links from `laws.md`; nothing if there is none."""
    return "; ".join(f"[{one.number}](decisions/{one.file}) {one.title}" for one in DECISIONS if law in one.laws)

"""The decisions: which there are, which laws each explains, and the index of them.

A test checks that each has its page under `specs/decisions/`, with this title and these laws. Not here: the pages, which
people write.
"""

from typing import Final, NamedTuple

from .markdown import page, table

NOT_USED: Final = ("0019",)
"""Numbers that no page has."""


class Decision(NamedTuple):
    """One page of `specs/decisions/`: its number, the rest of its file name, its title, and the laws that it explains."""

    number: str
    slug: str
    title: str
    laws: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        return f"{self.number}-{self.slug}.md"


DECISIONS: Final = (
    Decision(
        "0001",
        "a-barrier-is-keyed-by-the-forked-token",
        "A barrier is keyed by the forked token, not by the row",
        ("C1", "C5", "C8"),
    ),
    Decision("0002", "a-debt-has-one-holder", "A debt has one holder, and unjoined branches owe nothing", ("C8", "T3")),
    Decision("0003", "rows-are-counted-not-explored", "Any number of rows follows from one row, with exact counts"),
    Decision(
        "0004",
        "a-run-says-how-many-rows-its-source-gave",
        "A run records how many rows its source gave",
        ("C12", "R3"),
    ),
    Decision("0005", "a-crash-writes-nothing", "A crash writes nothing, and a resume is invisible", ("V2", "R1", "R2")),
    Decision(
        "0006",
        "a-second-trigger-waits-for-the-first-flush",
        "A second trigger waits for the flush of the first",
        ("B2",),
    ),
    Decision(
        "0007",
        "best-effort-waits-for-all-that-is-not-lost",
        "A loss is reported in its own step, and every policy acts on it",
        ("C4", "C8", "C12", "C13"),
    ),
    Decision(
        "0008",
        "late-tokens-fail-at-the-barrier",
        "A late token fails in the step of its arrival",
        ("F2", "C5"),
    ),
    Decision("0009", "a-law-is-a-predicate-on-one-step", "A law is a predicate on one step", ("K3", "C9", "C11")),
    Decision(
        "0010", "errors-are-required-and-opaque", "Errors and digests are required, and opaque", ("F4", "K3", "D1")
    ),
    Decision("0011", "a-sink-may-discard-what-it-refuses", "A sink may discard what it refuses", ("V4",)),
    Decision("0012", "a-single-barrier-speaks-of-branches", "A single barrier is driven by branches", ("C6", "C8")),
    Decision("0013", "the-landscape-is-written-as-sql", "The landscape is written as SQL", ("F6", "K2", "X3")),
    Decision("0014", "an-engine-is-driven-many-rows-at-a-time", "An engine is driven many rows at a time"),
    Decision(
        "0015", "which-law-a-difference-breaks", "Which law a difference breaks", ("K2", "X3", "R1", "Z1", "D1", "D2")
    ),
    Decision(
        "0016",
        "a-fork-is-merged-once-at-a-coalesce",
        "A fork is merged once at a coalesce, whoever asks",
        ("C1", "C2"),
    ),
    Decision(
        "0017",
        "the-laws-stand-twice-at-rest",
        "The laws are encoded twice for trails at rest, and how far the two agree",
        ("C9", "B2", "V3", "R1"),
    ),
    Decision(
        "0018",
        "the-order-of-a-trail-without-one",
        "Times replace the order of a trail that records none",
        ("F3", "L4", "C5", "V3", "R3"),
    ),
    Decision("0020", "what-was-read-must-still-be-there", "What was read must still be there", ("R3",)),
    Decision("0021", "a-kill-is-a-copy-of-what-is-durable", "A kill is a copy of what is durable", ("R1", "R4")),
    Decision("0022", "a-commit-is-on-the-disk", "A commit is on the disk", ("R1", "R4")),
)


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

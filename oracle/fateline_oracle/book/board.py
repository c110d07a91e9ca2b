"""`board.md`: engines of others, the laws, and what was found, as it is kept in `board.json`.

Not here: measuring it (`fateline_oracle.board`).
"""

from collections.abc import Iterator, Sequence
from typing import Final

from fateline_model import LAWS

from ..adapters.mended import Mended, every_issue
from ..adapters.profiles import profile_of
from ..board.findings import FINDINGS, EngineFinding
from ..board.rows import Row, newest, read_board
from ..board.versions import changes, seen_in, versions_of
from ..report.verdict import Verdict
from .markdown import page, table

SIGNS: Final = {Verdict.HOLDS: "", Verdict.BREACHED: "**breached** ", Verdict.UNDETERMINED: "? "}
_INTRODUCTION: Final = """
What each engine was found to do, by the laws of this project. A cell says how many questions were answered; an empty cell was not
judged. [engines.md](engines.md) says how each engine is read or driven, and what cannot be asked of it. A breach need not be a fault:
each has an entry below, with what the engine's own documentation says. `fateline board` measures what is installed and compares it
with this page; `fateline board --lock` keeps it. A row is marked *stale* when the adapter or the law has changed since its date.
"""
_MENDED: Final = """
Each of these is a closed issue in the tracker of an engine, about a join, or about what goes on twice or not at all. It is run in a version
that has it and in one that does not: the law that is named is broken in the first and not in the second. `fateline mended ENGINE --make`
installs both versions and runs them.
"""


def board_page() -> str:
    """`board.md`."""
    every = read_board()
    rows = newest(every)
    laws = [law for law in LAWS if any(law in row.laws for row in rows)]
    return page(
        "The board",
        _INTRODUCTION.strip(),
        table(
            ("Engine", "Version", "How", "Verdict", "Judged", "Laws broken", "Date", "Command"),
            [_line(row) for row in rows],
        ),
        "## Law by law",
        table(
            ("Law", *(f"{profile_of(row.engine).name}, {row.way}" for row in rows)), [_law(law, rows) for law in laws]
        ),
        "## Versions",
        "`fateline sweep ENGINE VERSIONS...` holds many versions of one engine against the law.",
        *_versions(every),
        "## Findings",
        *(_finding(finding, every) for finding in FINDINGS),
        "## Issues that were mended",
        _MENDED.strip(),
        *(_mended(engine, number, issue) for engine, number, issue in every_issue()),
    )


def _versions(rows: Sequence[Row]) -> Iterator[str]:
    """A table of law and version for each engine and way of which several versions were measured."""
    for engine, way in dict.fromkeys((row.engine, row.way) for row in rows):
        swept = versions_of(rows, engine, way)
        if len(swept) > 1:
            laws = [law for law in LAWS if any(law in row.broken for row in swept)]
            judged = max(len(row.laws) for row in swept)
            yield f"### {profile_of(engine).name}, {way}"
            yield f"{judged} laws are judged; those that are broken in no version are left out."
            yield table(("Law", *(row.version for row in swept)), [_law(law, swept) for law in laws])
            yield "\n".join(f"- {change}" for change in changes(swept))


def _line(row: Row) -> tuple[object, ...]:
    date = f"{row.date}, *stale*" if row.stale else row.date
    broken = ", ".join(row.broken) or "no law"
    return profile_of(row.engine).name, row.version, row.way, row.verdict, row.counted, broken, date, f"`{row.command}`"


def _law(law: str, rows: Sequence[Row]) -> tuple[object, ...]:
    cells = [row.laws.get(law) for row in rows]
    return f"[{law}](laws.md#{law})", *("" if one is None else f"{SIGNS[one.verdict]}{one.asked:,}" for one in cells)


def _finding(finding: EngineFinding, rows: Sequence[Row]) -> str:
    row = next((row for row in newest(rows) if (row.engine, row.way) == (finding.engine, finding.way)), None)
    seen = seen_in(rows, finding.engine, finding.way, finding.laws)
    laws = ", ".join(f"[{law}](laws.md#{law}) {LAWS[law].title}" for law in finding.laws)
    parts = [
        f"### {finding.title}",
        f"{profile_of(finding.engine).name}, {finding.way}. {laws}.",
        f"The documentation: {finding.promise}",
        f"What was done: {finding.did}",
        "The law: " + " ".join(LAWS[law].sentence for law in finding.laws),
        f"To see it: `{finding.command}`",
        f"Versions: {seen}." if seen else "",
        "In its tracker: " + (", ".join(f"<{link}>" for link in finding.known) or "nothing was found."),
    ]
    case = row.cases.get(finding.laws[0]) if row is not None else None
    parts += [f"```text\n{case}\n```"] if case is not None else []
    return "\n\n".join(part for part in parts if part)


def _mended(engine: str, number: str, issue: Mended) -> str:
    laws = ", ".join(f"[{law}](laws.md#{law}) {LAWS[law].title}" for law in issue.laws)
    return "\n\n".join(
        (
            f"### {profile_of(engine).name} {number}: {issue.title}",
            f"<{issue.issue}>. A version that has it: {issue.bad}. A later one that does not: {issue.good}.",
            f"What happens: {issue.did}",
            f"Broken in {issue.bad} and not in {issue.good}: {laws}. What is read: {issue.shown}.",
        )
    )

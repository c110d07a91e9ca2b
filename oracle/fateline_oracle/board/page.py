"""The board as one HTML page: no script, nothing fetched.

Not here: the page of the book (`book/board.py`).
"""

from collections.abc import Sequence

from fateline_model import LAWS

from ..adapters.profiles import profile_of
from ..render.html import element, escaped, inline, listed, section, table, text
from ..render.report_page import contents, finding_block, heading, law_link
from ..render.shell import shell
from ..report.verdict import Verdict
from .findings import FINDINGS, EngineFinding
from .rows import Row, newest
from .versions import seen_in


def board_html(every: Sequence[Row]) -> str:
    """The whole page."""
    rows = newest(every)
    laws = [law for law in LAWS if any(law in row.laws for row in rows)]
    names = [f"{profile_of(row.engine).name}, {row.way}" for row in rows]
    headers = ("Engine", "Version", "How", "Verdict", "Laws broken", "Judged", "Date", "Command")
    parts = {
        "Engines": table(headers, [_line(row) for row in rows], stacked=True),
        "Findings": "".join(_finding(finding, every) for finding in FINDINGS),
        "Law by law": table(("Law", *names), [_law(law, rows) for law in laws], class_="matrix"),
    }
    broken = sum(row.verdict is Verdict.BREACHED for row in rows)
    said = f"{len(rows)} engines and ways of judging them: in {broken} a law is broken. Each breach leads to its explanation."
    lead = text("p", said, class_="lead")
    sections = [section(title, content, id_=title.lower().replace(" ", "-")) for title, content in parts.items()]
    head = heading("Fateline board", "Engines of others", lead + contents(parts))
    return shell("The board", element("main", "\n".join((head, *sections)), class_="wide"))


def _finding_of(row: Row, law: str) -> EngineFinding | None:
    """The finding that explains a cell."""
    return next((one for one in FINDINGS if (one.engine, one.way) == (row.engine, row.way) and law in one.laws), None)


def _breach(row: Row, law: str, said: str) -> str:
    """A breach, with the way to what is said of it, or to its row."""
    finding = _finding_of(row, law)
    return text(
        "a", said, href=f"#{finding.id}" if finding is not None else f"#law-{law}", class_=str(Verdict.BREACHED)
    )


def _line(row: Row) -> list[str]:
    date = f"{row.date}, stale" if row.stale else row.date
    return [
        text("b", profile_of(row.engine).name),
        escaped(row.version),
        escaped(row.way),
        text("span", row.verdict, class_=str(row.verdict)),
        ", ".join(_breach(row, law, law) for law in row.broken) or "no law",
        escaped(row.counted),
        escaped(date),
        text("code", row.command),
    ]


def _law(law: str, rows: Sequence[Row]) -> list[str]:
    cells = [f"{text('b', law, id=f'law-{law}')} {escaped(LAWS[law].title)}"]
    for row in rows:
        cell = row.laws.get(law)
        said = "" if cell is None else f"{cell.asked:,}"
        broken = cell is not None and cell.verdict is Verdict.BREACHED
        cells.append(_breach(row, law, f"breached {said}") if broken else escaped(said))
    return cells


def _finding(finding: EngineFinding, rows: Sequence[Row]) -> str:
    row = next((row for row in newest(rows) if (row.engine, row.way) == (finding.engine, finding.way)), None)
    seen = seen_in(rows, finding.engine, finding.way, finding.laws)
    case = row.cases.get(finding.laws[0], "") if row is not None else ""
    parts = [
        element("p", inline(f"The documentation: {finding.promise}", 4_000)),
        element("p", inline(f"What was done: {finding.did}", 4_000)),
        *(
            element("p", f"{law_link(law)} {text('b', LAWS[law].title)} {escaped(LAWS[law].sentence)}")
            for law in finding.laws
        ),
        text("p", f"Versions: {seen}.") if seen else "",
        element("p", f"To see it: {text('code', finding.command)}"),
        listed(element("a", escaped(link), href=link) for link in finding.known),
        element("pre", escaped(case, most=len(case) + 1)) if case else "",
    ]
    summary = (
        f"{text('b', profile_of(finding.engine).name)} {inline(finding.title)} {text('small', ', '.join(finding.laws))}"
    )
    return finding_block(finding.id, summary, "\n".join(part for part in parts if part), is_open=False)

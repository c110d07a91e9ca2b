"""The board as one HTML page: no script, nothing fetched.

Not here: the page of the book (`book/board.py`).
"""

from collections.abc import Sequence
from importlib.resources import files

from fateline_model import LAWS

from .. import render
from ..adapters.profiles import profile_of
from ..render.html import element, escaped, folded, listed, section, table, text
from ..report.verdict import Verdict
from .findings import FINDINGS, EngineFinding
from .rows import Row, newest
from .versions import seen_in


def board_html(every: Sequence[Row]) -> str:
    """The whole page."""
    rows = newest(every)
    laws = [law for law in LAWS if any(law in row.laws for row in rows)]
    names = [f"{profile_of(row.engine).name}, {row.way}" for row in rows]
    body = "\n".join((
        text("h1", "The board"),
        section("Engines", table(
            ("Engine", "Version", "How", "Verdict", "Laws broken", "Judged", "Date", "Command"),
            [_line(row) for row in rows],
        ), id_="engines"),
        section("Law by law", table(("Law", *names), [_law(law, rows) for law in laws]), id_="laws"),
        section("Findings", *(_finding(finding, every) for finding in FINDINGS), id_="findings"),
    ))  # fmt: skip
    style = files(render).joinpath("style.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>The board</title>\n<style>\n{style}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _line(row: Row) -> list[str]:
    date = f"{row.date}, stale" if row.stale else row.date
    cells = (
        profile_of(row.engine).name, row.version, row.way, row.verdict, ", ".join(row.broken) or "no law", row.counted, date,
    )  # fmt: skip
    return [*map(escaped, cells), text("code", row.command)]


def _law(law: str, rows: Sequence[Row]) -> list[str]:
    cells = [escaped(f"{law} {LAWS[law].title}")]
    for row in rows:
        cell = row.laws.get(law)
        said = "" if cell is None else f"{cell.asked:,}"
        broken = cell is not None and cell.verdict is Verdict.BREACHED
        cells.append(element("strong", escaped(f"breached {said}")) if broken else escaped(said))
    return cells


def _finding(finding: EngineFinding, rows: Sequence[Row]) -> str:
    row = next((row for row in newest(rows) if (row.engine, row.way) == (finding.engine, finding.way)), None)
    seen = seen_in(rows, finding.engine, finding.way, finding.laws)
    case = row.cases.get(finding.laws[0], "") if row is not None else ""
    parts = [
        text("p", f"The documentation: {finding.promise}"),
        text("p", f"What was done: {finding.did}"),
        *(text("p", f"{law} {LAWS[law].title}: {LAWS[law].sentence}") for law in finding.laws),
        text("p", f"Versions: {seen}.") if seen else "",
        element("p", "To see it: " + text("code", finding.command)),
        listed(element("a", escaped(link), href=link) for link in finding.known),
        element("pre", escaped(case, most=len(case) + 1)) if case else "",
    ]  # fmt: skip
    return folded(escaped(f"{profile_of(finding.engine).name}: {finding.title}"), "\n".join(parts))

"""What the page of an audit has: each kind of breach with what it means, examples and a drawing of a row.

Not here: the page itself (`report_page.py`), and what is concluded (`audit/summary.py`).
"""

import shlex
from pathlib import Path
from typing import Final

from ..audit.summary import MEANINGS, AuditSummary, Group
from .html import element, escaped, listed, short, short_ids, text
from .lineage_svg import lineage_svg
from .report_page import ReportPage, Shown, law_link, report_page

EXAMPLES: Final = 8


def render_audit(summary: AuditSummary, database: str) -> str:
    """The whole page."""
    report, counts = summary.report, summary.report.counts
    declared = listed(
        f"{law_link(law)}, {count:,} times: {escaped(sentence)}" for law, (count, sentence) in summary.declared.items()
    )
    return report_page(
        ReportPage(
            kind="Fateline audit",
            name=Path(database).name,
            report=report,
            findings=[_shown(summary, group, database) for group in summary.groups],
            reasons=summary.answer(),
            facts={
                "breaches": f"{counts['breaches']:,}",
                "runs": f"{counts['runs']:,}",
                "rows": f"{counts['rows']:,}",
                "tokens": f"{counts['tokens']:,}",
                "read as": summary.adapter,
            },
            sections=(
                ("Known findings, by the ledger", listed(map(escaped, map(str, report.known)))),
                ("Declared by the profile", declared),
                ("How it was read", listed(map(escaped, summary.notes))),
            ),
            asked="questions",
        )
    )


def _shown(summary: AuditSummary, group: Group, database: str) -> Shown:
    first = group.breaches[0]
    examples = [
        f"row {escaped(one.row or '-')}, token {escaped(one.token or '-')}: {escaped(one.said)}"
        for one in group.breaches[:EXAMPLES]
    ]
    more = len(group.breaches) - EXAMPLES
    known = summary.explained(group)
    lines = [
        MEANINGS.kinds[group.meaning.kind],
        f"Likely cause: {group.meaning.cause}",
        f"Look at: {group.meaning.look}",
        *([f"Known of this schema: {known}"] if known is not None else []),
    ]
    what = first.token or first.row
    again = shlex.join(["fateline", "explain", database, what]) if what is not None else ""
    picture = lineage_svg(group.picture, frozenset({first.token or ""}))
    parts = [
        *(text("p", line) for line in lines),
        listed([*map(short_ids, examples), *([f"and {more:,} more"] if more > 0 else [])]),
        element("figure", text("figcaption", f"Row {short(first.row or '')}, the first of these") + picture)
        if picture
        else "",
        element("p", f"To see it: {text('code', again)}") if again else "",
    ]
    return Shown(group.law, group.heading, "\n".join(part for part in parts if part))

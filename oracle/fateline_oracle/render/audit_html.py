"""Renders the page of an audit: the verdict, each kind of breach with a drawing of a row, every law, and what was not
checked.

Not here: what is concluded (`audit/summary.py`).
"""

from importlib.resources import files
from pathlib import Path

from fateline_model import LAWS

from ..audit.summary import MEANINGS, AuditSummary, Group
from ..report.verdict import NOT_JUDGED, Verdict
from .html import element, escaped, folded, listed, section, table, text
from .lineage_svg import lineage_svg

EXAMPLES = 8


def render_audit(summary: AuditSummary, database: str) -> str:
    """The whole page."""
    style = files(__package__).joinpath("style.css").read_text(encoding="utf-8")
    report = summary.report
    counts = report.counts
    name = Path(database).name
    answer = [*summary.answer(), *(f"{line[0].upper()}{line[1:]}." for line in summary.not_over)]
    head = element(
        "header",
        text("h1", f"{name}: {report.verdict}")
        + text(
            "p",
            f"{counts['breaches']:,} breaches in {counts['runs']:,} runs, {counts['rows']:,} rows and {counts['tokens']:,} "
            f"tokens, read as {summary.adapter}, in {report.seconds:.1f} s. Law version {report.law_version}.",
        )
        + listed(map(escaped, answer))
        + element(
            "p",
            f'<a href="#found">What was found</a>, <a href="#laws">the laws</a>, <a href="#not-judged">{NOT_JUDGED}</a>',
        ),
    )
    judged = {law: result for law, result in report.laws.items() if result.verdict is not None}
    laws = table(
        ("law", "", "questions", "verdict", ""),
        [
            (
                escaped(law),
                escaped(LAWS[law].title),
                f"{result.checked:,}",
                text("span", str(result.verdict), class_=str(result.verdict)),
                escaped(f"{result.breached:,} times" if result.verdict is Verdict.BREACHED else result.why or ""),
            )
            for law, result in judged.items()
        ],
        numeric=(2,),
    )
    body = "\n".join(
        (
            head,
            section("What was found", *(_group(summary, group) for group in summary.groups), id_="found"),
            section(
                "Declared by the profile",
                listed(
                    f"{escaped(law)}, {count:,} times: {escaped(sentence)}"
                    for law, (count, sentence) in summary.declared.items()
                ),
                id_="declared",
            ),
            section("The laws", laws, id_="laws"),
            section(
                "What was not judged",
                folded(
                    "Each with what would have to be recorded",
                    listed(f"{escaped(' '.join(one.laws))}: {escaped(one.why)}" for one in report.skipped if one.laws),
                ),
                id_="not-judged",
            ),
            section("How it was read", listed(map(escaped, summary.notes)), id_="notes"),
            element("footer", text("p", "Repeat with:") + text("pre", report.reproduce)),
        )
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escaped(name)}: {report.verdict}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n{body}\n"
        "</main>\n</body>\n</html>\n"
    )


def _group(summary: AuditSummary, group: Group) -> str:
    first = group.breaches[0]
    examples = listed(
        f"row {escaped(breach.row or '-')}, token {escaped(breach.token or '-')}: {escaped(breach.said)}"
        for breach in group.breaches[:EXAMPLES]
    )
    parts = [
        text("p", LAWS[group.law].sentence),
        text("p", MEANINGS.kinds[group.meaning.kind]),
        text("p", f"Likely cause: {group.meaning.cause}"),
        text("p", f"Look at: {group.meaning.look}"),
    ]
    known = summary.explained(group)
    if known is not None:
        parts.append(text("p", f"Known of this schema: {known}"))
    parts += [examples, lineage_svg(group.picture, frozenset({first.token or ""}))]
    return folded(escaped(f"{group.law} {group.heading}"), "\n".join(parts), open_=True)

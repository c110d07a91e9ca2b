"""The page of an audit: the verdict, what was found with a drawing of a row for each kind, every law, what was not judged.

Not here: what is concluded (`audit/summary.py`).
"""

from importlib.resources import files

from fateline_model import LAWS

from ..audit.summary import AuditSummary, Group
from ..report.verdict import Verdict
from .html import element, escaped, folded, listed, section, table, text
from .lineage_svg import lineage_svg

EXAMPLES = 8


def render_audit(told: AuditSummary, database: str) -> str:
    """The whole page."""
    style = files(__package__).joinpath("style.css").read_text(encoding="utf-8")
    report = told.report
    counts = report.counts
    head = element(
        "header",
        text("h1", f"{database}: {report.verdict}")
        + text(
            "p",
            f"{counts['breaches']:,} breaches in {counts['runs']:,} runs, {counts['rows']:,} rows and {counts['tokens']:,} "
            f"tokens, read as {told.adapter}, in {report.seconds:.1f} s. Law version {report.law_version}.",
        ),
    )
    laws = table(
        ("law", "", "asked", "verdict", ""),
        [
            (
                escaped(law),
                escaped(LAWS[law].title),
                f"{result.checked:,}",
                text("span", result.verdict or "not judged", class_=result.verdict or "not-judged"),
                escaped(f"{result.breached:,} times" if result.verdict is Verdict.BREACHED else result.why or ""),
            )
            for law, result in report.laws.items()
        ],
        numeric=(2,),
    )
    body = "\n".join(
        (
            head,
            section("What was found", *(_group(told, group) for group in told.groups), id_="found"),
            section(
                "Declared otherwise",
                listed(
                    f"{escaped(law)}, {count:,} times: {escaped(said)}" for law, (count, said) in told.declared.items()
                ),
                id_="declared",
            ),
            section("The laws", laws, id_="laws"),
            section("How it was read", listed(map(escaped, told.notes)), id_="notes"),
            element("footer", text("p", "The same again:") + text("pre", report.reproduce)),
        )
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escaped(database)}: {report.verdict}</title>\n<style>\n{style}</style>\n</head>\n<body>\n{body}\n"
        "</body>\n</html>\n"
    )


def _group(told: AuditSummary, group: Group) -> str:
    first = group.breaches[0]
    examples = listed(
        f"row {escaped(breach.row or '-')}, token {escaped(breach.token or '-')}: {escaped(breach.said)}"
        for breach in group.breaches[:EXAMPLES]
    )
    parts = [text("p", LAWS[group.law].sentence)]
    known = told.explained(group)
    if known is not None:
        parts.append(text("p", f"Known of this schema: {known}"))
    parts += [examples, lineage_svg(group.picture, frozenset({first.token or ""}))]
    title = f"{group.law} {LAWS[group.law].title}: {len(group.breaches):,} times, {group.shape}"
    return folded(escaped(title), "\n".join(parts), open_=group is told.groups[0])

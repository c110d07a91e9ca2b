"""The page of a report, the same for every command: the verdict with its reasons, the findings, what the command adds, the
laws, what was not judged, and how to repeat it.

What is said at the top leads to its evidence below: a law to its row, a reason to its finding. Not here: what a finding of a
command consists of (`conform_html.py`, `audit_html.py`, `crash_html.py`, `zoo_html.py`), and what is concluded.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from fateline_model.laws import ALL, LAWS, Family

from ..report.verdict import NOT_JUDGED, LawResult, Report, Verdict
from .html import element, escaped, folded, inline, listed, section, short_ids, table, text
from .shell import shell

MARK: Final = {Verdict.HOLDS: "✓", Verdict.BREACHED: "✗", Verdict.UNDETERMINED: "?"}
SAYS: Final = {
    Verdict.HOLDS: "Every law that could be judged holds in everything that was covered.",
    Verdict.BREACHED: "At least one law is broken.",
    Verdict.UNDETERMINED: "No law is seen broken, but something prevented a verdict.",
}
SHOWN: Final = 40
"""The largest number of findings that are shown in full; the JSON report has all."""
AT_THE_TOP: Final = 8
OPEN: Final = 4
_LAW: Final = re.compile(r"\b[A-Z]\d{1,2}\b")


@dataclass(frozen=True)
class Shown:
    """One finding as a page shows it. `content` is HTML, the other texts are not."""

    law: str
    title: str
    content: str
    aside: str = ""
    also: tuple[str, ...] = ()
    """Further laws that are broken in it."""


@dataclass(frozen=True)
class ReportPage:
    """A report, and what its command adds to the page."""

    kind: str
    """What was done, above the title."""
    name: str
    report: Report
    findings: Sequence[Shown] = ()
    version: str = ""
    reasons: Sequence[str] = ()
    """Sentences of ours that stand at the top, before those of the report."""
    says: Mapping[Verdict, str] = field(default_factory=lambda: SAYS)
    """What each verdict means here."""
    facts: Mapping[str, str] = field(default_factory=dict)
    sections: Sequence[tuple[str, str]] = ()
    """HTML with its title, after the findings."""
    again: str = ""
    """How to see a finding once more, as a sentence with commands between backticks."""
    asked: str = "judged"
    """What the number of a law counts."""


def report_page(page: ReportPage) -> str:
    """The whole page."""
    findings = section(
        "What was found",
        *(_finding(n, one) for n, one in enumerate(page.findings[:SHOWN], 1)),
        _more(page),
        id_="found",
    )
    parts = {
        "What was found": findings,
        **{title: section(title, content, id_=_id(title)) for title, content in page.sections},
        "The laws": _laws(page),
        "What was not judged": _left_out(page.report),
        "Repeat": section("Repeat", *_repeat(page), id_="repeat"),
    }
    present = {title: content for title, content in parts.items() if content}
    body = element("main", "\n".join((_head(page, present), *present.values())))
    return shell(f"{page.name}: {page.report.verdict_text}", body)


def heading(kind: str, name: str, content: str, version: str = "") -> str:
    """The head of a page: what it is, whose it is, and the answer."""
    small = f" {text('small', version)}" if version else ""
    return element("header", text("p", kind, class_="kind") + element("h1", f"{escaped(name)}{small}") + content)


def contents(titles: Iterable[str]) -> str:
    """Links to the sections with these titles."""
    links = [text("a", title, href=f"#{_id(title)}") for title in titles]
    return element("nav", " ".join(links), class_="toc", aria_label="On this page")


def finding_block(name: str, summary: str, content: str, *, is_open: bool) -> str:
    """A finding that can be folded. Its name is inside of it, so that a link to it also opens it."""
    place = element("span", "", id=name, class_="place")
    return folded(summary, f"{place}{content}", open_=is_open, class_="finding")


def law_link(law: str) -> str:
    """A law's name, which leads to its row."""
    return text("a", law, href=f"#law-{law}") if law in LAWS else escaped(law)


def with_links(sentence: str) -> str:
    """A sentence of ours as HTML, in which laws lead to their rows."""
    return _LAW.sub(lambda found: law_link(found[0]), escaped(sentence))


_IDS: Final = {"What was found": "found", "The laws": "laws", "What was not judged": "not-judged", "Repeat": "repeat"}


def _id(title: str) -> str:
    return _IDS.get(title, re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-"))


def _repeat(page: ReportPage) -> Iterator[str]:
    yield element("pre", text("code", page.report.reproduce, most=4_000))
    if page.findings and page.again:
        yield element("p", inline(page.again))


# ------------------------------------------------------------------------------------------------- the top


def _head(page: ReportPage, present: Mapping[str, str]) -> str:
    report = page.report
    verdict = element(
        "span", f"{MARK[report.verdict]} {escaped(report.verdict_text)}", class_=f"verdict {report.verdict}"
    )
    facts = {**page.facts, "law": f"version {report.law_version}", "time": f"{report.seconds:.1f} s"}
    facts |= {"seed": str(report.seed)} if report.seed is not None else {}
    cells = "".join(element("div", text("dt", name) + text("dd", value)) for name, value in facts.items())
    lead = element("p", f"{verdict} {escaped(page.says[report.verdict])}", class_="lead")
    reasons = listed([*map(with_links, page.reasons), *_reasons(page)], class_="reasons")
    return heading(
        page.kind, page.name, lead + reasons + element("dl", cells, class_="facts") + contents(present), page.version
    )


def _reasons(page: ReportPage) -> list[str]:
    """Why the verdict is what it is, each reason with the way to its evidence."""
    alike: dict[tuple[str, str], list[int]] = {}
    for number, one in enumerate(page.findings, 1):
        alike.setdefault((one.law, one.title), []).append(number)
    reasons = [_reason(law, title, numbers) for (law, title), numbers in list(alike.items())[:AT_THE_TOP]]
    more = len(alike) - AT_THE_TOP
    reasons += [text("a", f"and {more:,} more", href="#found")] if more > 0 else []
    reasons += [escaped(why) for why in page.report.prevented]
    open_laws = [law for law, one in page.report.laws.items() if one.verdict is Verdict.UNDETERMINED]
    reasons += [f"no decision about {', '.join(map(law_link, open_laws))}"] if open_laws else []
    if not reasons and page.report.verdict is Verdict.UNDETERMINED:
        reasons.append(escaped(page.report.why))
    return reasons


def _reason(law: str, title: str, numbers: Sequence[int]) -> str:
    rest = f" {text('small', f'and {len(numbers) - 1:,} more of this kind')}" if len(numbers) > 1 else ""
    return f"{law_link(law)} {text('a', title, href=f'#finding-{numbers[0]}')}{rest}"


# ------------------------------------------------------------------------------------------------- findings


def _finding(number: int, one: Shown) -> str:
    also = f" {text('small', 'also')} {', '.join(map(law_link, one.also))}" if one.also else ""
    summary = f"{text('b', one.law)} {escaped(one.title)} {text('small', one.aside)}"
    sentence = ""
    if one.law in LAWS:
        law = LAWS[one.law]
        sentence = element("p", f"{law_link(one.law)} {text('b', law.title)} {escaped(law.sentence)}{also}")
    return finding_block(f"finding-{number}", summary, sentence + one.content, is_open=number <= OPEN)


def _more(page: ReportPage) -> str:
    more = len(page.findings) - SHOWN
    return text("p", f"{more:,} more findings are in the report as JSON (--json).") if more > 0 else ""


# ------------------------------------------------------------------------------------------------- the laws


def _laws(page: ReportPage) -> str:
    """The broken laws first, then all laws by family."""
    results = page.report.laws
    groups: list[tuple[str, list[str]]] = [
        ("Broken", [law for law, one in results.items() if one.verdict is Verdict.BREACHED]),
        *((str(family), [law.id for law in ALL if law.family is family and law.id in results]) for family in Family),
    ]
    seen: set[str] = set()
    parts = []
    for title, laws in groups:
        own = [law for law in laws if law not in seen]
        seen |= set(own)
        if own:
            rows = [_law(law, results[law], page.findings) for law in own]
            parts.append(
                text("h3", title) + table(("law", "", "verdict", page.asked), rows, numeric=(3,), stacked=True)
            )
    return section("The laws", *parts, id_="laws")


def _law(law: str, result: LawResult, findings: Sequence[Shown]) -> tuple[str, str, str, str]:
    said = LAWS[law]
    verdict = NOT_JUDGED if result.verdict is None else f"{MARK[result.verdict]} {result.verdict}"
    where = [
        text("a", f"finding {number}", href=f"#finding-{number}")
        for number, one in enumerate(findings[:SHOWN], 1)
        if law in (one.law, *one.also)
    ]
    why = [text("small", result.why)] if result.why else []
    title = f"{text('b', said.title)} {text('small', said.level)}<br>{escaped(said.sentence)} {' '.join(why + where)}"
    mark = text("span", verdict, class_=f"mark {result.verdict or ''}")
    return text("b", law, id=f"law-{law}"), title, mark, f"{result.checked:,}"


def _left_out(report: Report) -> str:
    """What was not done. A whole law that was not judged has its reason in its row."""
    lines = [
        f"{f'{one.cases:,} ' if one.cases else ''}{with_links(one.what)}: {short_ids(escaped(one.why))}"
        for one in report.skipped
        if not re.fullmatch(r"law [A-Z]\d+", one.what)
    ]
    whole = [law for law, one in report.laws.items() if one.verdict is None]
    laws = f"{len(whole)} laws, each with the reason in its row: {', '.join(map(law_link, whole))}." if whole else ""
    return section("What was not judged", element("p", laws) if laws else "", listed(lines), id_="not-judged")

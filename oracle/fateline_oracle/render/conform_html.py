"""What the page of `conform` has: findings with their shortest cases, how much was covered, and what speaks for the judge.

Not here: the page itself (`report_page.py`), a case (`case_html.py`), and what is concluded (`conform/verdict.py`).
"""

from typing import Final

from fateline_model.laws import LAWS

from ..conform.result import Conformance
from .case_html import shown_case
from .html import bar, escaped, listed, table, text
from .report_page import ReportPage, law_link, report_page

FAULTS: Final = 20


def render(found: Conformance) -> str:
    """The whole page."""
    report, counts = found.report, found.report.counts
    shown = [
        shown_case(
            case, title=_title(one.law, str(case["title"])), aside=_often(one.count, len(one.instances), one.closed)
        )
        for one, case in zip(report.findings, found.cases, strict=False)
    ]
    return report_page(
        ReportPage(
            kind="Fateline conformance",
            name=found.hello.name,
            version=found.hello.version,
            report=report,
            findings=shown,
            again="With `--cases DIR` each counterexample becomes a file: `fateline replay FILE` steps it again, and "
            "`fateline explore --case FILE` plays it beside the law.",
            facts={
                "states": f"{counts['states']:,} of {counts['states_total']:,}",
                "transitions": f"{counts['transitions']:,} of {counts['transitions_total']:,}",
                "refusals tried": f"{counts['refusals']:,}",
                "steps": f"{counts['steps']:,}",
                "scope": report.scope or "",
            },
            sections=(
                ("Where the engine broke down", _faults(found.faults)),
                ("Coverage", _coverage(found)),
                ("Known findings, by the ledger", listed(map(escaped, map(str, report.known)))),
                ("Declared by the profile", _declared(found)),
                ("Notes", listed(map(escaped, found.notes))),
                ("Self-test of the judge", _self_test(found)),
            ),
        )
    )


def _title(law: str, message: str) -> str:
    return f"{LAWS[law].title}: {message}" if law in LAWS else message


def _often(count: int, instances: int, closed: int) -> str:
    met = f"met {count:,} {'time' if count == 1 else 'times'} in {instances:,} {'instance' if instances == 1 else 'instances'}"
    return f"{met}; {closed:,} steps were not taken again" if closed else met


def _faults(faults: tuple[str, ...]) -> str:
    more = [f"and {len(faults) - FAULTS} more times"] if len(faults) > FAULTS else []
    return listed([*map(escaped, faults[:FAULTS]), *more])


def _coverage(found: Conformance) -> str:
    rows = [
        (
            escaped(one.family),
            f"{one.states:,} / {one.states_total:,}",
            bar(one.states, one.states_total),
            f"{one.transitions:,} / {one.transitions_total:,}",
            bar(one.transitions, one.transitions_total),
            f"{one.refusals:,}",
        )
        for one in found.coverage
    ]
    headers = ("family", "states", "", "transitions", "", "refusals")
    lead = "Of the graphs of the law, without what the engine does not support:"
    return text("p", lead) + table(headers, rows, numeric=(1, 3, 5)) if rows else ""


def _declared(found: Conformance) -> str:
    return listed(
        f"{law_link(one.law)} {escaped(LAWS[one.law].title)}: {escaped(one.sentence)} "
        + text("small", f"{one.count:,} steps differ so")
        for one in found.declared
    )


def _self_test(found: Conformance) -> str:
    lines = [
        f"{escaped(test.says)}: "
        + (f"noticed by {law_link(test.named)} after {test.steps:,} steps" if test.named else text("b", "not noticed"))
        for test in found.self_tests
    ]
    lead = text("p", "The same judge first checked engines with one seeded bug each.")
    return lead + listed(lines) if lines else ""

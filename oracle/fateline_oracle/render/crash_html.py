"""What the pages of a crash test have: where the engine was crashed, and each counterexample with its crashes.

Not here: the page itself (`report_page.py`), the same as text (`crash_text.py`), and any decision.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ..crash.any_process import AnyCrash
from ..crash.verdict import CrashConformance
from ..ports.port import CommitPolicy, Write
from ..report.verdict import Finding, Report
from .case_html import shown_case
from .crash_text import POLICIES, WRITES
from .html import bar, escaped, listed, table, text
from .report_page import ReportPage, Shown, report_page


def render_crash(found: CrashConformance) -> str:
    """The page of an engine that was crashed at its write boundaries."""
    report, counts = found.report, found.report.counts
    in_cases = sum(len(_laws(case)) for case in found.cases)
    shown = [shown_case(case, title=str(case["title"]), aside=_policy(case), more=_cuts(case)) for case in found.cases]
    rows = [_boundaries(said, counts[f"{write}_crashed"], counts[f"{write}_known"]) for write, said in WRITES.items()]
    return report_page(
        ReportPage(
            kind="Fateline crash test",
            name=found.hello.name,
            version=found.hello.version,
            report=report,
            findings=[*shown, *map(_plain, report.findings[in_cases:])],
            again="With `--cases DIR` each counterexample becomes a file, which `fateline replay FILE` crashes again.",
            facts={
                "boundaries crashed": f"{counts['boundaries_crashed']:,} of {counts['boundaries_known']:,}",
                "scenarios": f"{counts['scenarios']:,} of {counts['instances']:,} pipelines",
                "rows": f"{counts['rows']:,}",
                "tokens": f"{counts['tokens']:,}",
                "effects": f"{counts['effects']:,}",
                "scope": report.scope or "",
            },
            sections=(
                ("Where it was crashed", table(("a crash", "crashed", ""), rows, numeric=(1,))),
                ("Processes", _processes(found)),
                ("Where the engine broke down", listed(map(escaped, found.faults))),
            ),
        )
    )


def render_any_crash(found: AnyCrash, report: Report, command: str) -> str:
    """The page of a command that was killed and resumed."""
    return report_page(
        ReportPage(
            kind="Fateline crash test of a command",
            name=command,
            report=report,
            findings=[*map(_plain, report.findings)],
            facts={"kills": f"{found.kills:,} {found.how}", "ended before": f"{found.unkilled:,}"},
            asked="questions",
        )
    )


def _plain(one: Finding) -> Shown:
    """A finding without a case: where it was met."""
    where = listed(map(escaped, one.instances)) if one.instances else ""
    aside = f"{one.count:,} times" if one.count > 1 else ""
    return Shown(one.law, one.kind or one.message, where or text("p", one.message), aside)


def _boundaries(said: str, crashed: int, known: int) -> tuple[str, str, str]:
    return escaped(said), f"{crashed:,} / {known:,}", bar(crashed, known)


def _laws(case: Mapping[str, Any]) -> Sequence[object]:
    """The laws of a case; the report has a finding for each, in the order of the cases."""
    laws: Sequence[object] = case["laws"]
    return laws


def _policy(case: Mapping[str, Any]) -> str:
    return POLICIES[CommitPolicy(case["policy"])]


def _cuts(case: Mapping[str, Any]) -> str:
    return listed(
        escaped(
            f"killed {WRITES[Write(cut['write'])]}: boundary {cut['boundary']}, after {cut['steps']} committed steps"
        )
        for cut in case["cuts"]
    )


def _processes(found: CrashConformance) -> str:
    killed = found.killed
    if killed is None:
        return ""
    rows = [(escaped(how), f"{count:,}") for how, count in sorted(killed.disturbed.items())]
    said = (
        f"At the end {killed.rows:,} rows, {killed.tokens:,} tokens, {killed.effects:,} effects; "
        f"{len(killed.findings):,} runs ended unlike an undisturbed run. {killed.missed:,} ended before the fault."
    )
    return table(("fault", "processes"), rows, numeric=(1,)) + text("p", said)

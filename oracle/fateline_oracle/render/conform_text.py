"""Renders the result of `conform` for a terminal: counterexamples in full, what was skipped, and the verdict last.

Not here: the HTML page (`conform_html.py`), and any decision.
"""

from collections.abc import Sequence
from typing import Any, Final

from fateline_console.terminal import paint, table
from fateline_model import LAWS, Refusal
from fateline_model.checker.verify import Step

from ..conform.result import Conformance
from ..report.law_results import COLOUR
from ..report.verdict import Finding, LawResult, Verdict
from .counterexample import show

CASES_SHOWN: Final = 3
LEGAL_SHOWN: Final = 6
FINDINGS_SHOWN: Final = 20


def conformance_text(found: Conformance, *, cases: int = CASES_SHOWN) -> str:
    """The whole result, with at most `cases` counterexamples in full."""
    report = found.report
    parts = [f"{found.hello.name} {found.hello.version}, checked against the law, version {report.law_version}", ""]
    parts += [_coverage(found), "", _laws(found)]
    parts += _explained(found, cases)
    parts += _reached(found)
    parts += _aside(found)
    counts = report.counts
    covered = (
        f"states {counts['states']:,}/{counts['states_total']:,}, "
        f"transitions {counts['transitions']:,}/{counts['transitions_total']:,}, {counts['refusals']:,} refusals"
    )
    verdict = paint(report.verdict_text, COLOUR[report.verdict], bold=True)
    parts += ["", f"{verdict}  {covered}, {counts['steps']:,} steps, {report.seconds:.1f} s, seed {report.seed}"]
    parts += [f"It is undetermined because {report.why}."] if report.why else []
    return "\n".join(parts)


def _coverage(found: Conformance) -> str:
    rows = [
        (
            one.family,
            f"{one.instances}",
            f"{one.states:,}/{one.states_total:,}",
            f"{one.transitions:,}/{one.transitions_total:,}",
            f"{one.steps:,}",
            f"{one.refusals:,}",
        )
        for one in found.coverage
    ]
    return _right(rows, ("family", "instances", "states", "transitions", "steps", "refusals"))


def _right(rows: Sequence[Sequence[str]], headers: Sequence[str]) -> str:
    """A table whose columns after the first are aligned to the right."""
    widths = [max(len(row[place]) for row in [headers, *rows]) for place in range(len(headers))]
    lines = [list(headers), ["-" * width for width in widths], *map(list, rows)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(line[1:], widths[1:], strict=True))])
        for line in lines
    )


def _laws(found: Conformance) -> str:
    rows = []
    for law, result in found.report.laws.items():
        verdict = paint(str(result.verdict), COLOUR[result.verdict]) if result.verdict is not None else "not judged"
        rows.append((law, LAWS[law].title, result.checked or None, verdict, _why(result)))
    return table(rows, ("law", "", "steps judged", "verdict", ""))


def _why(result: LawResult) -> str:
    return f"{result.breached} instances" if result.verdict is Verdict.BREACHED else result.why or ""


def _explained(found: Conformance, most: int) -> list[str]:
    """All findings, the worst first, and of at most `most` of them the counterexample, each breaking another law first."""
    findings = found.report.findings
    lines = findings_text(findings)
    chosen: dict[str, dict[str, Any]] = {}
    for case in found.cases[: len(findings)]:
        laws: Any = case["laws"]
        chosen.setdefault(laws[0][0], case)
    for case in list(chosen.values())[:most]:
        lines += ["", f"{case['instance']}", "", case_text(case)]
    if len(chosen) > most:
        lines += ["", f"... and {len(chosen) - most} more laws are broken first by other counterexamples"]
    return lines


def findings_text(findings: Sequence[Finding]) -> list[str]:
    """A table of findings, the worst first. The report as JSON has all of them."""
    rows = [
        (n, one.law, one.kind, f"{one.count:,}", len(one.instances), one.steps, one.closed or None, one.severity)
        for n, one in enumerate(findings, 1)
    ]
    if not rows:
        return []
    headers = ("", "law", "finding", "count", "instances", "steps", "closed", "severity")
    lines = ["", table(rows[:FINDINGS_SHOWN], headers)]
    if len(rows) > FINDINGS_SHOWN:
        lines.append(f"... and {len(rows) - FINDINGS_SHOWN} more findings; --json has all of them")
    return lines


def _reached(found: Conformance) -> list[str]:
    """What share of the graph was reached, if it is not all, and what is closed behind which finding."""
    counts = found.report.counts
    if counts["states"] == counts["states_total"] and not found.report.findings:
        return []
    share = counts["states"] / counts["states_total"] if counts["states_total"] else 0.0
    closed = [
        f"{one.closed:,} behind finding {number}" for number, one in enumerate(found.report.findings, 1) if one.closed
    ]
    where = f"; steps that were not taken again: {', '.join(closed[:FINDINGS_SHOWN])}" if closed else ""
    return ["", f"reached: {share:.1%} of the states{where}"]


def case_text(case: dict[str, Any]) -> str:
    """One counterexample: numbered steps, the last with expected and observed records, the law, and what would have
    been legal."""
    steps = [Step(step["says"], step["stimulus"], step["records"]) for step in case["steps"]]
    expected = case["expected"]
    shown = show(
        [(law, message) for law, message in case["laws"]],
        steps,
        Refusal(expected) if isinstance(expected, str) else expected,
    )
    lines = [shown]
    if case.get("observed"):
        lines.append(f"\n     The engine answered: {case['observed']}")
    lines += ["", *(f"     {line}" for line in case.get("differences", ())[:8])]
    legal = case.get("legal") or []
    if legal:
        more = f" and {len(legal) - LEGAL_SHOWN} more" if len(legal) > LEGAL_SHOWN else ""
        lines += ["", f"     Legal here: {', '.join(legal[:LEGAL_SHOWN])}{more}"]
    return "\n".join(lines)


def _aside(found: Conformance) -> list[str]:
    lines = [""]
    for test in found.self_tests:
        noticed = f"noticed by {test.named} after {test.steps:,} steps" if test.named else "NOT NOTICED"
        lines.append(f"self-test: {test.says}: {noticed}")
    lines += map(str, found.report.known)
    lines += [
        f"declared by the profile: {one.law}, {LAWS[one.law].title}: {one.sentence} ({one.count:,} steps differ so)"
        for one in found.declared
    ]
    stimuli = [one for one in found.report.skipped if one.cases]
    lines += [f"skipped: {one.cases:,} {one.what}: {one.why}" for one in stimuli]
    lines += [f"the engine broke down: {fault}" for fault in found.faults[:10]]
    if len(found.faults) > 10:
        lines.append(f"... and {len(found.faults) - 10} more times")
    return lines + [f"- {note}" for note in found.notes]

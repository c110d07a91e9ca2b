"""A torture as a person reads it on a terminal: boundaries by kind, counterexamples, the laws, the verdict last.

Not here: anything that decides.
"""

from collections.abc import Mapping
from typing import Any, Final

from fateline_console.terminal import paint, table
from fateline_model import LAWS

from ..crash.verdict import CrashConformance
from ..ports.port import CommitPolicy, Write
from ..report.law_results import COLOUR
from .conform_text import case_text

SHOWN: Final = 3
WRITES: Final = {
    Write.TRANSACTION: "before a transaction begins",
    Write.STATEMENT: "before a statement of one",
    Write.PAYLOAD: "before the text of an error is kept",
    Write.COMMIT: "before a commit",
    Write.SINK_WRITE: "before a sink is written",
    Write.SINK_TORN: "amid a flush, half of the bytes there",
    Write.SINK_FLUSH: "before a sink is flushed",
    Write.SINK_CUT: "before a sink is opened or cut back",
}
POLICIES: Final = {CommitPolicy.STEP: "one commit a step", CommitPolicy.DEFAULT: "commits as by default"}


def crash_text(found: CrashConformance) -> str:
    """Everything, with a few counterexamples in full."""
    report, counts = found.report, found.report.counts
    parts = [f"{found.hello.name} {found.hello.version}, crashed at every write boundary", ""]
    parts.append(
        table(
            [(says, f"{counts[f'{w}_crashed']:,}", f"{counts[f'{w}_known']:,}") for w, says in WRITES.items()],
            ("a crash", "crashed", "known"),
        )
    )
    left = [f"{count:,} after {name[-1]} crashes" for name, count in counts.items() if name.startswith("leftovers_")]
    parts += [
        "",
        f"{counts['scenarios']:,} scenarios of {counts['instances']} pipelines, each with {' and '.join(POLICIES.values())}.",
        f"Distinct leftovers, resumed and judged: {', '.join(left).replace('1 crashes', 'one crash') or 'none'}.",
        f"Runs that came to their end: {counts['rows']:,} rows, {counts['tokens']:,} tokens, {counts['effects']:,} effects.",
    ]
    parts += _processes(found)
    laws = [
        (law, LAWS[law].title, one.checked, paint(str(one.verdict), COLOUR[one.verdict]))
        for law, one in report.laws.items()
        if one.verdict is not None
    ]
    parts += ["", table(laws, ("law", "", "judged", "verdict"))]
    for case in found.cases[:SHOWN]:
        parts += ["", str(case["instance"]), "", torture_case_text(case)]
    if len(found.cases) > SHOWN:
        parts.append(f"... and {len(found.cases) - SHOWN} more counterexamples; --cases DIR writes them all")
    parts += [f"\n{one.law}  {one.message}" for one in report.findings if not found.cases]
    parts += [f"skipped: {one.cases:,} {one.what}: {one.why}" for one in report.skipped if one.cases]
    parts += [f"the engine broke down: {fault}" for fault in found.faults[:10]]
    said = f"{counts['boundaries_crashed']:,} of {counts['boundaries_known']:,} boundaries crashed"
    parts += ["", f"{paint(report.verdict, COLOUR[report.verdict], bold=True)}  {said}, {report.seconds:.1f} s"]
    return "\n".join(parts)


def _processes(found: CrashConformance) -> list[str]:
    killed = found.killed
    if killed is None:
        return []
    rows = [(str(how), count) for how, count in sorted(killed.disturbed.items())]
    return [
        "",
        "Processes that ran the example pipelines:",
        table(rows, ("what became of them", "processes")),
        f"In the end {killed.rows:,} rows, {killed.tokens:,} tokens, {killed.effects:,} effects; "
        f"{len(killed.findings)} runs ended otherwise than undisturbed. {killed.missed} ended before it came to that.",
    ]


def torture_case_text(case: Mapping[str, Any]) -> str:
    """One counterexample: the scenario with its crashes, what was recorded at its end, the law."""
    cuts = [
        f"     killed {WRITES[Write(cut['write'])]}: boundary {cut['boundary']}, {cut['steps']} steps committed"
        for cut in case["cuts"]
    ]
    policy = POLICIES[CommitPolicy(case["policy"])]
    return "\n".join([case_text(dict(case)), "", f"     With {policy}.", *cuts])

"""Renders a crash test for a terminal: boundaries by kind, counterexamples, the laws, and the verdict last.

Not here: any decision.
"""

from collections.abc import Mapping
from typing import Any, Final

from fateline_console.terminal import paint, table
from fateline_model import LAWS

from ..crash.verdict import CrashConformance
from ..ports.port import CommitPolicy, Write
from ..report.law_results import COLOUR
from ..shard import missing_of, shard_note
from .conform_text import case_text

SHOWN: Final = 3
WRITES: Final = {
    Write.TRANSACTION: "before a transaction begins",
    Write.STATEMENT: "before a statement in a transaction",
    Write.PAYLOAD: "before the text of an error is stored",
    Write.COMMIT: "before a commit",
    Write.SINK_WRITE: "before a sink is written",
    Write.SINK_TORN: "during a flush, with half of the bytes written",
    Write.SINK_FLUSH: "before a sink is flushed",
    Write.SINK_CUT: "before a sink is opened or truncated",
}
POLICIES: Final = {CommitPolicy.STEP: "one commit for each step", CommitPolicy.DEFAULT: "the default commits"}


def crash_text(found: CrashConformance) -> str:
    """The whole result, with a few counterexamples in full."""
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
        f"Distinct crash states, resumed and checked: {', '.join(left).replace('1 crashes', 'one crash') or 'none'}.",
        f"Runs that ended: {counts['rows']:,} rows, {counts['tokens']:,} tokens, {counts['effects']:,} effects.",
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
    shards = found.campaign.shards
    parts += [f"- {shard_note(shards)} crash-tested"] if missing_of(shards) else []
    covered = f"{counts['boundaries_crashed']:,} of {counts['boundaries_known']:,} boundaries crashed"
    parts += ["", f"{paint(report.verdict_text, COLOUR[report.verdict], bold=True)}  {covered}, {report.seconds:.1f} s"]
    return "\n".join(parts)


def _processes(found: CrashConformance) -> list[str]:
    killed = found.killed
    if killed is None:
        return []
    rows = [(str(how), count) for how, count in sorted(killed.disturbed.items())]
    return [
        "",
        "Processes that ran the example pipelines:",
        table(rows, ("fault", "processes")),
        f"At the end {killed.rows:,} rows, {killed.tokens:,} tokens, {killed.effects:,} effects; "
        f"{len(killed.findings)} runs ended unlike an undisturbed run. {killed.missed} ended before the fault.",
    ]


def torture_case_text(case: Mapping[str, Any]) -> str:
    """One counterexample: the scenario with its crashes, what was recorded at its end, and the law."""
    cuts = [
        f"     killed {WRITES[Write(cut['write'])]}: boundary {cut['boundary']}, {cut['steps']} steps committed"
        for cut in case["cuts"]
    ]
    policy = POLICIES[CommitPolicy(case["policy"])]
    return "\n".join([case_text(dict(case)), "", f"     With {policy}.", *cuts])

"""`fateline conform --trail FILE`: steps a trail at rest through the law.

Not here: the judging (`fateline_oracle.trails`).
"""

import shlex
from pathlib import Path

from fateline_console.terminal import Progress, harmless, paint, say, table
from fateline_model import LAW_VERSION, LAWS

from ..audit.any_trail import AnyTrail
from ..report.law_results import COLOUR
from ..report.verdict import ExitCode, Report, Verdict
from ..trails.check import check_runs, report_of
from .trail_options import open_or_fail
from .verify_pipeline import read_pipeline_or_fail

SHOWN = 20


def conform_trail(path: Path, views: str | None, pipeline_file: str | None, as_json: bool) -> ExitCode:
    """Check a trail of any kind."""
    pipeline = read_pipeline_or_fail(Path(pipeline_file)) if pipeline_file is not None else None
    words = ["fateline", "conform", "--trail", str(path)]
    words += ["--views", views] if views is not None else []
    words += ["--pipeline", pipeline_file] if pipeline_file is not None else []
    with Progress() as progress, open_or_fail(path, views) as trail:
        found = check_runs(trail.runs(), pipeline, progress.update)
    report = report_of(found, shlex.join(words))
    say(report.to_json() if as_json else _text(path, report, trail))
    return report.exit_code


def _text(path: Path, report: Report, trail: AnyTrail) -> str:
    rows = []
    for law, result in report.laws.items():
        verdict = paint(str(result.verdict), COLOUR[result.verdict]) if result.verdict is not None else "not judged"
        why = f"{result.breached} times" if result.verdict is Verdict.BREACHED else result.why
        rows.append((law, LAWS[law].title, result.checked or None, verdict, why))
    parts = [f"{path}, read as {trail.adapter}, checked against the law, version {LAW_VERSION}", ""]
    parts.append(table(rows, ("law", "", "steps judged", "verdict", "")))
    parts += [f"\n{one.law}  {LAWS[one.law].title}\n    {harmless(one.message)}" for one in report.findings[:SHOWN]]
    if len(report.findings) > SHOWN:
        parts.append(f"\n... and {len(report.findings) - SHOWN} more; --json lists them")
    parts += [f"skipped: {one.cases:,} {one.what}: {harmless(str(one.why))}" for one in report.skipped if one.cases]
    parts += [f"note: {note}" for note in trail.notes]
    counts = report.counts
    summary = (
        f"{counts['accepted_rows']:,} of {counts['rows']:,} rows accepted, {counts['consumed']:,} of "
        f"{counts['records']:,} records consumed, {counts['tokens']:,} tokens, {counts['runs']:,} runs"
    )
    parts.append(f"\n{paint(report.verdict, COLOUR[report.verdict], bold=True)}  {summary}, {report.seconds:.1f} s")
    return "\n".join(parts)

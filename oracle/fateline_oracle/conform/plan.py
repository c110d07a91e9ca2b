"""Checks an engine by planned runs of a command, and concludes.

Not here: one run (`planned_command.py`), the rows (`planned_rows.py`), and what is printed (`cli/plan.py`).
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fateline_model import load
from fateline_model.checker.systems import InstanceOptions, PipelineSystem
from fateline_model.checker.verify import Step

from ..compare.difference import Difference
from ..compare.whole_run import WholeRun
from ..report.case import case_document
from ..report.ledger import NOTHING_KNOWN, Ledger, settled
from ..report.verdict import LawResult, Report, Skipped, Verdict
from ..trails.check import TrailResult, report_of
from .case import WHOLE_RUN
from .findings import Findings, broken_by
from .planned_command import CannotRun, CommandRuns
from .planned_rows import planned_rows
from .replay import Case, whole_run_in

Chosen = tuple[str, PipelineSystem, dict[str, object]]
"""A pipeline: its name, its system, and the document that an engine is given."""


@dataclass(frozen=True)
class PlannedConformance:
    """What planned runs showed. `cases` are the shortest of each finding, in the order of the report."""

    report: Report
    cases: tuple[dict[str, object], ...]
    faults: tuple[str, ...]


def check_plan(
    chosen: Sequence[Chosen],
    command: Sequence[str],
    views: Path | None,
    rows: int,
    started: float,
    reproduce: str,
    ledger: Ledger = NOTHING_KNOWN,
    progress: Callable[[str], None] | None = None,
) -> PlannedConformance:
    """Run the plan of each pipeline, and check its trail. `started` is when the command began."""
    plans = [(one, WholeRun(tuple(planned_rows(one[1], rows)))) for one in chosen]
    return _checked(plans, command, views, started, reproduce, ledger, progress)


def replay_plan(
    case: Case, command: Sequence[str], views: Path | None, started: float, reproduce: str
) -> PlannedConformance:
    """Run the one run of a case again."""
    document, whole = whole_run_in(case)
    system = PipelineSystem(load(document), len(whole.rows), 0, InstanceOptions())
    return _checked(
        [((case.instance, system, document), whole)], command, views, started, reproduce, NOTHING_KNOWN, None
    )


def _checked(
    plans: Sequence[tuple[Chosen, WholeRun]],
    command: Sequence[str],
    views: Path | None,
    started: float,
    reproduce: str,
    ledger: Ledger,
    progress: Callable[[str], None] | None,
) -> PlannedConformance:
    total, findings, skipped = TrailResult(), Findings(), Counter[str]()
    where: dict[int, Chosen] = {}
    seen: dict[object, list[str]] = {}
    for number, (one, whole) in enumerate(plans):
        name, system, document = one
        if progress is not None:
            progress(f"{number} of {len(plans)} pipelines, {len(findings.of_kind)} found: {name}")
        runs = CommandRuns(command, system, document, views)
        runs.result = total
        try:
            found = runs.checked(whole)
        except CannotRun as why:
            skipped[str(why)] += 1
            continue
        if found is None:
            continue
        small = runs.shortest(found) if findings.is_new(found) else found
        findings.note(small)
        where.setdefault(id(small), one)
        seen.setdefault(small.kind, []).append(name)
    return _concluded(total, findings, where, seen, skipped, len(plans), started, reproduce, ledger)


def _concluded(
    total: TrailResult,
    findings: Findings,
    where: dict[int, Chosen],
    seen: dict[object, list[str]],
    skipped: Counter[str],
    pipelines: int,
    started: float,
    reproduce: str,
    ledger: Ledger,
) -> PlannedConformance:
    kinds = [one for one in findings if one.shortest.laws]
    faults = tuple(
        f"{where[id(one.shortest)][0]}: {one.shortest.differences[0]}" for one in findings if not one.shortest.laws
    )
    base = report_of(replace(total, rejected=0), reproduce)  # the other runs were stepped to their end
    breached = broken_by(kinds)
    laws = {
        law: LawResult(Verdict.BREACHED, max(result.checked, breached[law]), breached[law])
        if breached[law]
        else result
        if result.verdict is not Verdict.BREACHED
        else LawResult(Verdict.HOLDS, result.checked)
        for law, result in base.laws.items()
    }
    report = replace(
        base,
        scope="plan",
        laws=laws,
        findings=tuple(one.finding(where[id(one.shortest)][0], seen[one.shortest.kind]) for one in kinds),
        counts={**base.counts, "pipelines": pipelines},
        skipped=(*(Skipped("pipelines", why, cases=count) for why, count in skipped.items()), *base.skipped),
        prevented=(*base.prevented, *([f"the engine broke down in {len(faults)} ways"] if faults else [])),
        seconds=time.perf_counter() - started,
    )
    told = settled(report, ledger, whole=False)
    new = [one for one, finding in zip(kinds, report.findings, strict=True) if not ledger.lists(finding)]
    return PlannedConformance(
        told, tuple(_case(one.shortest, where[id(one.shortest)], reproduce) for one in new), faults
    )


def _case(found: Difference, one: Chosen, reproduce: str) -> dict[str, object]:
    name, _, document = one
    records = [dict(record) for record in found.observed if not isinstance(record, str)]
    (whole,) = found.stimuli
    return {
        **case_document(
            title=found.laws[0][1],
            machine=WHOLE_RUN,
            instance=name,
            pipeline=document,
            laws=found.laws,
            steps=[Step(str(whole), whole.as_json(), records)],
            expected=None,
            reproduce=reproduce,
        ),
        "differences": list(found.differences),
    }

"""Checks a whole trail: every run, partition by partition, and the records of the runs themselves.

Every record must be consumed, or there is no verdict. Records that belong to no row are counted and reported. Not here: one
partition (`accept.py`), and how the result is shown (`cli/conform_trail.py`).
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fateline_model import LAW_VERSION, Pipeline
from fateline_model.laws import Law, Where
from fateline_model.words import RunStatus

from ..compare.broken_laws import concerned
from ..compare.records import Unrecorded
from ..report.law_results import law_results
from ..report.verdict import Finding, LawResult, Report, Skipped, overall_verdict
from .accept import AcceptanceRun, Acceptor
from .pipeline import pipeline_of
from .reader import RunTrail, partitions, read_trail
from .reconstruct import named

COLUMNS: Final = {"digests": ("visits", "digest_in"), "times": ("barriers", "decided_at"), "tx": ("outcomes", "tx")}
"""The relation and column that show a need of a law which is not a relation."""
FINDINGS: Final = 1_000


@dataclass
class TrailResult:
    """The result of checking a trail."""

    runs: int = 0
    rows: int = 0
    tokens: int = 0
    records: int = 0
    consumed: int = 0
    steps: int = 0
    accepted: int = 0
    undetermined: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    breached: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    shown: set[str] = field(default_factory=set)
    seconds: float = 0.0


def check_trail(
    path: Path, pipeline: Pipeline | None = None, progress: Callable[[str], None] | None = None
) -> TrailResult:
    """Check a trail file: JSON lines, or a database of the reference engine."""
    started = time.perf_counter()
    found = TrailResult()
    for trail in read_trail(path):
        check_run(trail, pipeline or pipeline_of(trail), found, progress)
    found.seconds = time.perf_counter() - started
    return found


def check_run(
    trail: RunTrail,
    pipeline: Pipeline,
    found: TrailResult,
    progress: Callable[[str], None] | None = None,
    *,
    acceptor: Acceptor | None = None,
) -> None:
    """Check one run. Runs of one pipeline may share an `acceptor`, which remembers the ways that rows took."""
    found.runs += 1
    found.records += trail.records
    found.consumed += sum(len(records) for records in trail.about.values())
    _see_what_is_shown(trail, found)
    ended, over = _of_the_run(trail, found)
    acceptor = acceptor or Acceptor(pipeline)
    acceptor.unrecorded = _unshown(trail)
    kinds: Counter[frozenset[type]] = Counter()
    for number, (rows, records) in enumerate(partitions(trail)):
        if progress is not None and number % 500 == 0:
            progress(f"run {trail.run}: {number:,} of {len(trail.rows):,} rows")
        alone = len(rows) == 1
        done = acceptor.judge(named(records, "0" if alone else None), ended=ended, over=over, alone=alone)
        kinds.update(done.kinds)
        found.rows += len(rows)
        found.tokens += sum(record["rec"] == "tokens" for record in records)
        found.steps += done.steps
        found.consumed += len(records)
        found.checked.update(done.checked)
        _note(trail.run, rows, done, found)
    found.checked.update(concerned(kinds))
    for orphan in trail.orphans:
        found.consumed += 1
        _breach(found, "L6", f"run {trail.run}: a record of {orphan['rec']} names a token that is in no row", (), ())


def _note(run: str, rows: list[str], done: AcceptanceRun, found: TrailResult) -> None:
    if done.undetermined is not None:
        found.undetermined[done.undetermined] += 1
    elif not done.broken:
        found.accepted += len(rows)
    messages: dict[str, str] = {}
    for law, message in done.broken:
        messages.setdefault(law, message)
    for law, message in messages.items():
        last = done.stimuli[-1] if done.stimuli else None
        tokens = (last.token,) if last is not None and last.token is not None else ()
        where = f"row {rows[0]}" if len(rows) == 1 else f"rows {', '.join(rows[:5])}"
        _breach(found, law, f"run {run}, {where}: {message}", tuple(rows[:5]), tokens)


def _breach(found: TrailResult, law: str, said: str, rows: tuple[str, ...], tokens: tuple[str, ...]) -> None:
    found.breached[law] += 1
    if len(found.findings) < FINDINGS:
        found.findings.append(Finding(law, said, tokens=tokens, rows=rows))


def _of_the_run(trail: RunTrail, found: TrailResult) -> tuple[bool, bool]:
    """Check the records of the run: its number of rows and their order. Returns whether its source has ended and it is over."""
    told = trail.about.get("runs", ())
    counts = [run["rows"] for run in told if isinstance(run.get("rows"), int)]
    over = any(run.get("status") == RunStatus.COMPLETED for run in told)
    rows = [record for records in trail.rows.values() for record in records if record["rec"] == "rows"]
    found.checked["R3"] += 1
    if counts and counts[-1] != len(rows):
        _breach(found, "R3", f"run {trail.run}: the source gave {counts[-1]} rows, and {len(rows)} are there", (), ())
    in_order = sorted(rows, key=lambda row: int(str(row.get("seq") or 0)))
    places = [row["idx"] for row in in_order if isinstance(row.get("idx"), int)]
    if places != sorted(set(places)):  # type: ignore[type-var]
        _breach(found, "R3", f"run {trail.run}: its rows were not read in the order of the source, each once", (), ())
    for row, records in trail.rows.items():
        if not any(record["rec"] == "rows" for record in records):
            _breach(found, "L8", f"run {trail.run}: tokens of row {row}, which was never read", (row,), ())
    return bool(counts) or over, over


def _unshown(trail: RunTrail) -> Unrecorded:
    """Relations that the trail does not hold at all; whoever records none of a kind is not held to it."""
    held = {str(record["rec"]) for records in trail.rows.values() for record in records}
    return frozenset((relation, "") for relation in ("merges", "losses", "hops", "visits") if relation not in held)


def _see_what_is_shown(trail: RunTrail, found: TrailResult) -> None:
    for records in trail.rows.values():
        for record in records:
            found.shown.add(str(record["rec"]))
            found.shown.update(
                need for need, (rec, column) in COLUMNS.items() if record["rec"] == rec and column in record
            )
            if record.get("seq") is not None:
                found.shown.add("seq")


NEEDS_SHOWN: Final = ("visits", "hops", "digests", "times", "tx", "seq")
"""What a law may need and a trail may not hold. Barriers, losses, merges and batches are there when something happened."""


def report_of(found: TrailResult, reproduce: str) -> Report:
    """The verdict on a trail."""

    def not_judged(law: Law) -> str | None:
        if Where.TRAIL not in law.where:
            return "no trail at rest can show it"
        missing = [need for need in law.needs if need in NEEDS_SHOWN and need not in found.shown]
        if missing:
            return f"the trail does not record {', '.join(missing)}"
        return None if found.checked[law.id] else "nothing happened in this trail that the law speaks of"

    undecided = next(iter(found.undetermined), None)
    laws = law_results(found.checked, found.breached, not_judged=not_judged, undecided=lambda law: undecided)
    total = found.consumed == found.records
    verdict = overall_verdict(laws.values(), bound_reached=bool(found.undetermined), error=not total)
    return Report(
        verdict=verdict,
        law_version=LAW_VERSION,
        scope="trail",
        seed=None,
        laws=laws,
        counts={
            "runs": found.runs,
            "rows": found.rows,
            "accepted_rows": found.accepted,
            "tokens": found.tokens,
            "steps": found.steps,
            "records": found.records,
            "consumed": found.consumed,
        },
        skipped=tuple(_skipped(found, laws)),
        findings=tuple(found.findings),
        seconds=found.seconds,
        reproduce=reproduce,
    )


def _skipped(found: TrailResult, laws: dict[str, LawResult]) -> Iterator[Skipped]:
    yield from (Skipped("partitions", why, cases=count) for why, count in found.undetermined.items())
    yield from (Skipped(f"law {law}", str(one.why), (law,)) for law, one in laws.items() if one.verdict is None)

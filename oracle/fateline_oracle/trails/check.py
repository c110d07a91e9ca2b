"""Checks a whole trail: every run, partition by partition, and the records of the runs themselves.

Every record must be consumed, or there is no verdict. Records that belong to no row are counted and reported. Not here: one
partition (`accept.py`), and how the result is shown (`cli/conform_trail.py`).
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from fateline_model import LAW_VERSION, Pipeline
from fateline_model.laws import Law, Where
from fateline_model.records import RELATIONS
from fateline_model.words import RunStatus

from ..compare.broken_laws import concerned
from ..compare.records import Unrecorded
from ..report.law_results import law_results
from ..report.verdict import Finding, LawResult, Report, Skipped
from .accept import AcceptanceRun, Acceptor, shown_by_itself
from .pipeline import pipeline_of
from .reader import BadTrail, RunTrail, partitions
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
    rejected: int = 0
    """The number of rows that broke a law. A row is stepped up to its first breach."""
    undetermined: Counter[str] = field(default_factory=Counter)
    inferred: Counter[str] = field(default_factory=Counter)
    """What was inferred from other records or guessed, and in how many rows."""
    whole: bool = True
    checked: Counter[str] = field(default_factory=Counter)
    breached: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    shown: set[str] = field(default_factory=set)
    seconds: float = 0.0


def check_runs(
    trails: Iterable[RunTrail], pipeline: Pipeline | None = None, progress: Callable[[str], None] | None = None
) -> TrailResult:
    """Check runs. Their pipeline is the given one, else the one that each of them records."""
    started = time.perf_counter()
    found = TrailResult()
    for trail in trails:
        try:
            own = pipeline or pipeline_of(trail)
        except BadTrail as error:
            _not_stepped(trail, str(error), found)
            continue
        check_run(trail, own, found, progress)
    found.seconds = time.perf_counter() - started
    return found


def _not_stepped(trail: RunTrail, why: str, found: TrailResult) -> None:
    """Note a run of which no row can be stepped."""
    found.runs += 1
    found.rows += len(trail.rows)
    found.tokens += sum(record["rec"] == "tokens" for records in trail.rows.values() for record in records)
    found.records += trail.records
    found.consumed += trail.records
    found.whole = found.whole and trail.whole
    _see_what_is_shown(trail, found)
    found.undetermined[why] += max(1, len(trail.rows))


def check_run(
    trail: RunTrail,
    pipeline: Pipeline,
    found: TrailResult,
    progress: Callable[[str], None] | None = None,
    *,
    acceptor: Acceptor | None = None,
) -> None:
    """Check one run. Runs of one pipeline may share an `acceptor`, which remembers the ways that rows took."""
    if not trail.whole and not any(record["rec"] == "tokens" for records in trail.rows.values() for record in records):
        _not_stepped(trail, "tokens are not recorded", found)
        return
    found.runs += 1
    found.records += trail.records
    found.consumed += sum(len(records) for records in trail.about.values()) - trail.added
    found.whole = found.whole and trail.whole
    _see_what_is_shown(trail, found)
    ended, over = of_the_run(trail, found)
    acceptor = acceptor or Acceptor(pipeline)
    acceptor.unrecorded = unshown(trail)
    kinds: Counter[frozenset[type]] = Counter()
    for number, (rows, records) in enumerate(partitions(trail)):
        if progress is not None and number % 500 == 0:
            progress(f"run {trail.run}: {number:,} of {len(trail.rows):,} rows")
        alone = len(rows) == 1
        done = acceptor.judge(
            named(records, "0" if alone else None, trail.starts),
            ended=ended,
            over=over,
            alone=alone,
            whole=trail.whole,
            ordered=trail.ordered,
        )
        not_known = trail.not_known(rows) | set(done.in_doubt)
        found.inferred.update({what: len(rows) for what in sorted(not_known)})
        if not_known:
            done = _with_doubt(done, not_known, records)
        kinds.update(done.kinds)
        found.rows += len(rows)
        found.tokens += sum(record["rec"] == "tokens" for record in records)
        found.steps += done.steps
        found.consumed += len(records)
        found.checked.update(done.checked)
        _note(trail.run, rows, done, found)
    if not trail.whole:
        held = {str(record["batch"]) for own in trail.rows.values() for record in own if record["rec"] == "members"}
        found.consumed += sum(batch not in held for batch in trail.batches)
    found.checked.update(concerned(kinds))
    for orphan in trail.orphans:
        found.consumed += 1
        _breach(found, "L6", f"run {trail.run}: a record of {orphan['rec']} names a token that is in no row", (), ())


def _with_doubt(
    done: AcceptanceRun, not_known: Collection[str], records: Sequence[Mapping[str, object]]
) -> AcceptanceRun:
    """The result for a partition of which something was inferred: what the law does not accept may be the inference. That a
    token has two fates is certain all the same."""
    certain = tuple(shown_by_itself(records, over=False)) if done.broken else ()
    if not done.broken or certain:
        return replace(done, broken=certain)
    law, message = done.broken[0]
    return replace(
        done,
        broken=(),
        undetermined=f"not accepted ({law}), but inferred or guessed, because not recorded: {', '.join(sorted(not_known))}",
        differences=(message, *done.differences),
    )


def _note(run: str, rows: list[str], done: AcceptanceRun, found: TrailResult) -> None:
    if done.undetermined is not None:
        found.undetermined[done.undetermined] += 1
    elif not done.broken:
        found.accepted += len(rows)
    else:
        found.rejected += len(rows)
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


def of_the_run(trail: RunTrail, found: TrailResult) -> tuple[bool, bool]:
    """Check the records of the run: its number of rows and their order. Returns whether its source has ended and it is over."""
    told = trail.about.get("runs", ())
    counts = [run["rows"] for run in told if isinstance(run.get("rows"), int)]
    over = any(run.get("status") == RunStatus.COMPLETED for run in told)
    rows = [record for records in trail.rows.values() for record in records if record["rec"] == "rows"]
    read = trail.whole or not any("rows" in own or "rows.idx" in own for own in trail.inferred.values())
    if not read:
        return bool(counts) or over, over
    found.checked["R3"] += 1
    if counts and counts[-1] != len(rows):
        _breach(found, "R3", f"run {trail.run}: the source gave {counts[-1]} rows, and {len(rows)} are there", (), ())
    in_order = sorted(rows, key=lambda row: int(str(row.get("seq") or 0)))
    places = [row["idx"] for row in in_order if isinstance(row.get("idx"), int)]
    if places != sorted(set(places)) and all(isinstance(row.get("seq"), int) for row in rows):  # type: ignore[type-var]
        _breach(found, "R3", f"run {trail.run}: its rows were not read in the order of the source, each once", (), ())
    for row, records in trail.rows.items():
        if not any(record["rec"] == "rows" for record in records):
            _breach(found, "L8", f"run {trail.run}: tokens of row {row}, which was never read", (row,), ())
    return bool(counts) or over, over


_MAY_BE_EMPTY: Final = ("merges", "losses", "hops", "visits")
"""Relations without a record that count as not recorded, in every trail."""


def unshown(trail: RunTrail) -> Unrecorded:
    """Relations that the trail does not hold at all; whoever records none of a kind is not held to it."""
    held = {str(record["rec"]) for records in trail.rows.values() for record in records}
    held |= {"batches"} if trail.batches else set()
    asked = _MAY_BE_EMPTY if trail.whole else (*_MAY_BE_EMPTY, "parents", "outcomes", "barriers", "batches", "members")
    return frozenset((relation, "") for relation in asked if relation not in held)


def _see_what_is_shown(trail: RunTrail, found: TrailResult) -> None:
    for records in trail.rows.values():
        for record in records:
            found.shown.add(str(record["rec"]))
            found.shown.update(
                need for need, (rec, column) in COLUMNS.items() if record["rec"] == rec and column in record
            )
            if record.get("seq") is not None and trail.ordered:
                found.shown.add("seq")
    found.shown.update({"batches"} if trail.batches else ())


NEEDS_SHOWN: Final = ("visits", "hops", "losses", "merges", "digests", "times", "tx", "seq")
"""What a law may need and a trail may not hold. Barriers and batches are there when something happened."""


CANNOT_FAIL: Final = {
    "tokens.group": ("L5",), "tokens.group_kind": ("L5",), "parents.ordinal": ("K4", "C14"), "visits.verdict": ("V4",),
    "visits.attempt": ("V5",), "hops.label": ("T1", "T2", "T4"), "rows": ("L8", "R3"), "rows.idx": ("R3",),
    "barriers.trigger": ("C11",), "barriers.reason": ("C15",), "batches.trigger": ("B2",), "edges": ("T1", "T4"),
}  # fmt: skip
"""What may be inferred, and the laws that say nothing where it is."""


def report_of(found: TrailResult, reproduce: str) -> Report:
    """The verdict on a trail."""

    def not_judged(law: Law) -> str | None:
        if Where.TRAIL not in law.where:
            return "no trail at rest can show it"
        needed = NEEDS_SHOWN if found.whole else (*NEEDS_SHOWN, *RELATIONS)
        missing = [need for need in law.needs if need in needed and need not in found.shown]
        missing = missing or [
            column for column, laws in CANNOT_FAIL.items() if law.id in laws and found.inferred[column]
        ]
        if missing:
            return f"the trail does not record {', '.join(missing)}"
        if not found.steps:
            return "no row was stepped; the reason is below"
        return None if found.checked[law.id] else "nothing happened in this trail that the law speaks of"

    left = found.records - found.consumed
    not_stepped = [f"{left:,} records were not stepped"] if left else []
    behind = [f"{found.rejected:,} rows broke another law, and were stepped only up to there"] if found.rejected else []
    undecided = next(iter([*found.undetermined, *not_stepped, *behind]), None)
    laws = law_results(found.checked, found.breached, not_judged=not_judged, undecided=lambda law: undecided)
    return Report(
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
        prevented=(*found.undetermined, *not_stepped),
        seconds=found.seconds,
        reproduce=reproduce,
    )


def _skipped(found: TrailResult, laws: dict[str, LawResult]) -> Iterator[Skipped]:
    yield from (Skipped("partitions", why, cases=count) for why, count in found.undetermined.items())
    yield from (Skipped(f"rows, {what}", "inferred or guessed", cases=count) for what, count in found.inferred.items())
    yield from (Skipped(f"law {law}", str(one.why), (law,)) for law, one in laws.items() if one.verdict is None)

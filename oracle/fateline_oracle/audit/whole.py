"""A whole database judged: every range of every run, in as many processes as there are, then what spans ranges.

Memory stays flat: a range at a time, and what must be asked of batches and runs afterwards is put by on disk. Judging again
with what is remembered of the last time (`Remembered`) looks only at rows that were not at their end then. Not here: one
range (`row_range.py`), and how it is told (`summary.py`).
"""

import os
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Final

from ..parallel import in_processes
from .adapters import Adapter
from .connect import BadSource
from .import_records import copy_records
from .incremental import Remembered, RunRemembered
from .queries import Query
from .row_range import SPILLED, Breach, RangeResult, RangeWorker
from .source import Range, Source, reading

ROWS: Final = 4_000
"""How many rows are looked at together."""
KEPT: Final = 1_000
"""So many breaches of a law are kept; all are counted."""


@dataclass(frozen=True)
class Wanted:
    """What to audit, and how."""

    path: Path
    adapter: Adapter
    runs: tuple[str, ...] = ()
    laws: frozenset[str] | None = None
    jobs: int = 1
    kept: int = KEPT
    patience: float = 600.0
    rows: int = ROWS


@dataclass
class AuditResult:
    """What was found."""

    adapter: Adapter
    columns: dict[str, tuple[str, ...]]
    judged: RangeResult
    runs: list[str]
    remembered: Remembered
    left_out: int = 0
    """Rows that were judged before, and were at their end then."""
    seconds: float = 0.0
    queries: tuple[Query, ...] = field(default=())

    @property
    def checked(self) -> Counter[str]:
        """Checks by law."""
        return _by_law(self.judged.checked)

    @property
    def breached(self) -> Counter[str]:
        """Breaches by law."""
        return _by_law(self.judged.breached)


def _by_law(by_query: Mapping[str, int]) -> Counter[str]:
    found: Counter[str] = Counter()
    for name, count in by_query.items():
        found[name.partition("/")[2].partition("_")[0]] += count
    return found


def audit_records(records: Iterable[Mapping[str, object]]) -> AuditResult:
    """Judge records of an engine that records everything."""
    with tempfile.TemporaryDirectory(prefix="fateline-audit-") as folder:
        copy = Path(folder) / "trail.db"
        return audit(Wanted(copy, copy_records(records, copy, whole=True)))


def audit(
    wanted: Wanted, before: Remembered | None = None, progress: Callable[[str], None] | None = None
) -> AuditResult:
    """Judge a database."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="fateline-audit-") as folder, _worker(wanted, Path(folder) / "0") as slices:
        source = slices.source
        runs = _runs(source, wanted)
        found = AuditResult(wanted.adapter, source.columns, RangeResult(), runs, Remembered(wanted.adapter.name))
        found.queries = tuple(slices.queries)
        before = before or Remembered(wanted.adapter.name)
        ranges = [piece for run in runs for piece in _ranges(source, run, wanted.rows, before.runs.get(run), found)]
        for number, (piece, judged, left) in enumerate(_judged(wanted, Path(folder), ranges, slices), 1):
            found.judged.add(judged, wanted.kept)
            found.remembered.left(piece.run, left)
            if progress is not None:
                progress(f"{number:,} of {len(ranges):,} ranges, {found.judged.records['tokens']:,} tokens")
        _of_all(slices, sorted(Path(folder).iterdir()), found, before, wanted.laws)
    found.seconds = time.perf_counter() - started
    return found


def _runs(source: Source, wanted: Wanted) -> list[str]:
    runs = source.runs()
    missing = [run for run in wanted.runs if run not in runs]
    if missing:
        raise BadSource(f"{wanted.path}: there is no run {missing[0]}; there are {', '.join(runs[:10]) or 'none'}")
    return list(wanted.runs) or runs


def _ranges(source: Source, run: str, rows: int, last: RunRemembered | None, found: AuditResult) -> Iterator[Range]:
    """All that is to be looked at: everything, or what was not at its end the last time."""
    bounds = source.bounds(run)
    now = found.remembered.runs.setdefault(run, RunRemembered(upto=bounds[1] if bounds is not None else None))
    if last is None or last.upto is None or bounds is None:
        yield from source.ranges(run, rows)
        return
    again = sorted({*last.open, *_sharing_a_batch(source, run, last)})
    found.left_out += source.rows_up_to(run, last.upto) - len(again)
    now.stretches = last.stretches
    for _, group in groupby(enumerate(again), lambda pair: pair[1] - pair[0]):
        parts = [part for _, part in group]
        yield Range(run, parts[0], parts[-1])
    for first in range(last.upto + 1, bounds[1] + 1, rows):
        yield Range(run, first, min(first + rows - 1, bounds[1]))
    yield Range(run, bounds[1] + 1, None)
    yield Range(run, None, None, strays=True)


def _sharing_a_batch(source: Source, run: str, last: RunRemembered) -> Iterator[int]:
    """Rows at their end that share a batch with a row that was not: they are judged with it."""
    if "members" not in source.columns:
        return
    rows = list(source.conn.execute("SELECT batch, part FROM given_members WHERE run = ? AND part IS NOT NULL", (run,)))
    assert last.upto is not None
    unended = set(last.open)
    fresh = {batch for batch, part in rows if part > last.upto or part in unended}
    yield from (int(part) for batch, part in rows if batch in fresh and part <= last.upto)


# ---------------------------------------------------------------------------------------------------- processes


@contextmanager
def _worker(wanted: Wanted, spill: Path) -> Iterator[RangeWorker]:
    with reading(wanted.path, wanted.adapter) as source:
        source.conn.execute("ATTACH '' AS slice")  # in memory, and on disk where it grows
        source.conn.execute("ATTACH ? AS spill", (str(spill),))
        for name, (columns, _) in SPILLED.items():
            source.conn.execute(f"CREATE TABLE spill.{name} ({columns})")
        yield RangeWorker(source, wanted.laws, wanted.patience, wanted.kept)


def _worker_in_process(wanted: Wanted, folder: Path) -> AbstractContextManager[RangeWorker]:
    return _worker(wanted, folder / str(os.getpid()))


def _asked(slices: RangeWorker, piece: Range) -> tuple[Range, RangeResult, list[int]]:
    slices.conn.execute("BEGIN")
    judged = slices.judge(piece)
    left = set(slices.unfinished()) if judged.records["tokens"] else set()
    left |= {breach.part for breach in judged.breaches if breach.part is not None}  # what is broken is told again
    slices.conn.execute("COMMIT")
    return piece, judged, sorted(left)


def _judged(
    wanted: Wanted, folder: Path, ranges: Sequence[Range], slices: RangeWorker
) -> Iterator[tuple[Range, RangeResult, list[int]]]:
    if wanted.jobs == 1 or len(ranges) < 8:
        yield from (_asked(slices, piece) for piece in ranges)
        return
    shared = partial(_worker_in_process, wanted, folder)
    for _, found in in_processes(_asked, ranges, jobs=wanted.jobs, shared=shared, start="spawn", in_order=True):
        yield found


# ---------------------------------------------------------------------------------------------------- batches and runs


def _of_all(
    slices: RangeWorker,
    spills: Sequence[Path],
    found: AuditResult,
    before: Remembered,
    wanted_laws: frozenset[str] | None,
) -> None:
    """What spans ranges: batches with all their members, parents in other ranges, the run and its rows."""
    conn, source = slices.conn, slices.source
    slices.whole()
    for name, (columns, _) in SPILLED.items():
        conn.execute(f"CREATE TABLE slice.{name} ({columns})")
    conn.execute("DETACH spill")
    for path in spills:
        if path.suffix:
            continue
        conn.execute("ATTACH ? AS spill", (str(path),))
        for name, (columns, _) in SPILLED.items():
            conn.execute(f"INSERT INTO slice.{name} SELECT {columns} FROM spill.{name}")
        conn.execute("DETACH spill")
    conn.executemany(
        "INSERT INTO slice.stretches VALUES (?, ?, ?, ?, ?)",
        [
            (slices.runs.index(run), *stretch)
            for run, last in before.runs.items()
            if run in slices.runs
            for stretch in last.stretches
        ],
    )
    conn.execute("CREATE INDEX slice.ends_batch ON ends (run, batch, ordinal)")
    conn.execute("CREATE INDEX slice.outputs_batch ON outputs (run, batch)")
    _kin(source)
    conn.execute("CREATE TABLE slice.totals (run, rows)")
    for run in found.runs:
        if "rows" in source.columns:
            conn.execute(
                "INSERT INTO slice.totals SELECT ?, count(*) FROM given_rows WHERE run = ?",
                (slices.runs.index(run), run),
            )
    found.judged.records["batches"] = conn.execute("SELECT count(*) FROM slice.trail_batches").fetchone()[0]
    if not wanted_laws or "L6" in wanted_laws:
        for run, relation in source.strays():
            found.judged.breached["run/L6"] += 1
            found.judged.breaches.append(
                Breach("run/L6", "L6", run, None, None, None, f"a record of {relation} is of a run that there is not")
            )
    counts = {**found.judged.records, "runs": len(found.runs)}
    slices.see(found.judged)
    for query in slices.queries:
        if query.unit != "row" and counts.get(query.asked):
            found.judged.checked[query.name] += counts[query.asked]
            slices.ask(query, found.judged)
    unseen = {query.name for query in slices.queries if missing(query, found)}
    for name in unseen:  # what a query says of a column that is not recorded at all is no breach
        found.judged.breached.pop(name, None)
        found.judged.checked.pop(name, None)
    found.judged.breaches = [breach for breach in found.judged.breaches if breach.query not in unseen]
    for run, last in found.remembered.runs.items():
        last.stretches = _stretches(conn, slices.runs.index(run))


def missing(query: Query, found: AuditResult) -> list[str]:
    """The relations and columns that a query needs and that are not recorded."""
    return [need for need in query.needs if not _recorded(need, found)]


def _recorded(need: str, found: AuditResult) -> bool:
    relation, _, column = need.partition(".")
    if not column or found.adapter.whole:
        return relation in found.columns and (not column or column in found.columns[relation])
    return need in found.judged.seen


def _kin(source: Source) -> None:
    """The tokens that are named as parents and were not in the range of their child."""
    source.conn.execute("CREATE TABLE slice.kin (run, token, row)")
    if source.conn.execute("SELECT 1 FROM slice.strangers LIMIT 1").fetchone():
        source.conn.execute(
            'INSERT INTO slice.kin SELECT n.number, t.token, t."row" FROM given_tokens AS t '
            "JOIN slice.run_numbers AS n ON n.name = t.run WHERE t.token IN (SELECT parent FROM slice.strangers)"
        )
    source.conn.execute("CREATE INDEX slice.kin_token ON kin (token, run)")


def _stretches(conn: sqlite3.Connection, run: int) -> list[tuple[str | None, int, int, int]]:
    """How far each source was read, as one stretch."""
    rows = conn.execute(
        "SELECT source, max(part), min(first_idx), max(last_idx) FROM slice.stretches WHERE run = ? GROUP BY source",
        (run,),
    )
    return [(source, int(part), int(first), int(last)) for source, part, first, last in rows]

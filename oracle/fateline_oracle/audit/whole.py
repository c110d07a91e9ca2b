"""Audits a whole database: every range of every run, in several processes, and then what crosses ranges.

The problem
-----------
An audit database may be much larger than memory, and its laws are of three kinds. Most are about one row. Some are
about a batch, whose members are of many rows. Some are about the run: parents in other rows, the number of rows, the
order of a source.

The idea
--------
1. Cut each run into ranges of `rows` rows (`_ranges`), plus what lies before the first and after the last row, plus orphans:
   records that belong to no row.
2. Workers check the ranges independently (`row_range.py`), in one or more processes. Each worker has its own connection
   and its own file `cross_range`, in which it keeps what later questions need. The file is on disk, so memory does not
   grow.
3. When all ranges are done, `_across_ranges` collects the files of all workers in one place and asks the queries about batches
   and runs.
4. Columns that have no value anywhere count as not recorded. That is known only at the end, so breaches of queries that need
   such a column are dropped then.

An example
----------
10,000 rows, ranges of 4,000: rows 0-3999, 4000-7999, 8000-9999, before, after, orphans: six ranges. A batch has members
in rows 3,999 and 4,000. Each range notes the end of its own member in `ends`. At the end both are in one table, and B3
(all members end alike) sees the whole batch.

Auditing again
--------------
With `before`, the memory of an earlier audit (`incremental.py`), only these rows are checked: rows that had not ended,
rows in a batch with such a row or a new row, and all later rows. `read_ranges` of the earlier audit are added, so that
R3 still sees the order of a whole source. Rows with a breach are remembered as not ended, so a breach is reported again
each time.

Invariants
----------
- Every record of a run is in exactly one range.
- `found.judged` is the sum of all ranges so far. At most `kept` breaches of each query are kept; all are counted.
- The database is opened read-only in every process; only temporary files are written.

What is given up: a batch query sees members only through `ends`, and a parent in another range only by its row and run.

Not here: one range (`row_range.py`), and the report (`summary.py`).
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
from .row_range import CROSS_RANGE_TABLES, Breach, RangeResult, RangeWorker
from .source import Range, Source, reading

ROWS: Final = 4_000
"""The number of rows in a range."""
KEPT: Final = 1_000
"""The number of breaches of each query that are kept. All are counted."""


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
    """The result of an audit."""

    adapter: Adapter
    columns: dict[str, tuple[str, ...]]
    judged: RangeResult
    runs: list[str]
    remembered: Remembered
    left_out: int = 0
    """The number of rows that an earlier audit checked, and that had ended then."""
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
    """Audit records of an engine that records everything."""
    with tempfile.TemporaryDirectory(prefix="fateline-audit-") as folder:
        copy = Path(folder) / "trail.db"
        return audit(Wanted(copy, copy_records(records, copy, whole=True)))


def audit(
    wanted: Wanted, before: Remembered | None = None, progress: Callable[[str], None] | None = None
) -> AuditResult:
    """Audit a database."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="fateline-audit-") as folder, _worker(wanted, Path(folder) / "0") as worker:
        source = worker.source
        runs = _runs(source, wanted)
        found = AuditResult(wanted.adapter, source.columns, RangeResult(), runs, Remembered(wanted.adapter.name))
        found.queries = tuple(worker.queries)
        before = before or Remembered(wanted.adapter.name)
        ranges = [piece for run in runs for piece in _ranges(source, run, wanted.rows, before.runs.get(run), found)]
        for number, (piece, judged, left) in enumerate(_check_ranges(wanted, Path(folder), ranges, worker), 1):
            found.judged.add(judged, wanted.kept)
            found.remembered.left(piece.run, left)
            if progress is not None:
                progress(f"{number:,} of {len(ranges):,} ranges, {found.judged.records['tokens']:,} tokens")
        _across_ranges(worker, sorted(Path(folder).iterdir()), found, before, wanted.laws)
    found.seconds = time.perf_counter() - started
    return found


def _runs(source: Source, wanted: Wanted) -> list[str]:
    runs = source.runs()
    missing = [run for run in wanted.runs if run not in runs]
    if missing:
        raise BadSource(f"{wanted.path}: there is no run {missing[0]}; its runs are {', '.join(runs[:10]) or 'none'}")
    return list(wanted.runs) or runs


def _ranges(source: Source, run: str, rows: int, last: RunRemembered | None, found: AuditResult) -> Iterator[Range]:
    """The ranges to check: all, or those that an earlier audit leaves."""
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
    yield Range(run, None, None, orphans=True)


def _sharing_a_batch(source: Source, run: str, last: RunRemembered) -> Iterator[int]:
    """Ended rows that share a batch with an unended or new row. They are checked with it."""
    if "members" not in source.columns:
        return
    rows = list(source.conn.execute("SELECT batch, part FROM given_members WHERE run = ? AND part IS NOT NULL", (run,)))
    assert last.upto is not None
    unended = set(last.open)
    fresh = {batch for batch, part in rows if part > last.upto or part in unended}
    yield from (int(part) for batch, part in rows if batch in fresh and part <= last.upto)


# ---------------------------------------------------------------------------------------------------- processes


@contextmanager
def _worker(wanted: Wanted, kept_in: Path) -> Iterator[RangeWorker]:
    with reading(wanted.path, wanted.adapter) as source:
        source.conn.execute("ATTACH '' AS slice")  # in memory; SQLite moves it to disk if it grows
        source.conn.execute("ATTACH ? AS cross_range", (str(kept_in),))
        for name, (columns, _) in CROSS_RANGE_TABLES.items():
            source.conn.execute(f"CREATE TABLE cross_range.{name} ({columns})")
        yield RangeWorker(source, wanted.laws, wanted.patience, wanted.kept)


def _worker_in_process(wanted: Wanted, folder: Path) -> AbstractContextManager[RangeWorker]:
    return _worker(wanted, folder / str(os.getpid()))


def _check_range(worker: RangeWorker, piece: Range) -> tuple[Range, RangeResult, list[int]]:
    worker.conn.execute("BEGIN")
    judged = worker.judge(piece)
    left = set(worker.unfinished()) if judged.records["tokens"] else set()
    left |= {
        breach.part for breach in judged.breaches if breach.part is not None
    }  # rows with a breach are checked again next time
    worker.conn.execute("COMMIT")
    return piece, judged, sorted(left)


def _check_ranges(
    wanted: Wanted, folder: Path, ranges: Sequence[Range], worker: RangeWorker
) -> Iterator[tuple[Range, RangeResult, list[int]]]:
    if wanted.jobs == 1 or len(ranges) < 8:
        yield from (_check_range(worker, piece) for piece in ranges)
        return
    shared = partial(_worker_in_process, wanted, folder)
    for _, found in in_processes(_check_range, ranges, jobs=wanted.jobs, shared=shared, start="spawn", in_order=True):
        yield found


# ---------------------------------------------------------------------------------------------------- batches and runs


def _across_ranges(
    worker: RangeWorker,
    files: Sequence[Path],
    found: AuditResult,
    before: Remembered,
    wanted_laws: frozenset[str] | None,
) -> None:
    """Ask the queries about batches with all their members, about parents in other ranges, and about runs."""
    conn, source = worker.conn, worker.source
    worker.whole()
    for name, (columns, _) in CROSS_RANGE_TABLES.items():
        conn.execute(f"CREATE TABLE slice.{name} ({columns})")
    conn.execute("DETACH cross_range")
    for path in files:
        if path.suffix:
            continue
        conn.execute("ATTACH ? AS cross_range", (str(path),))
        for name, (columns, _) in CROSS_RANGE_TABLES.items():
            conn.execute(f"INSERT INTO slice.{name} SELECT {columns} FROM cross_range.{name}")
        conn.execute("DETACH cross_range")
    conn.executemany(
        "INSERT INTO slice.read_ranges VALUES (?, ?, ?, ?, ?)",
        [
            (worker.runs.index(run), *read)
            for run, last in before.runs.items()
            if run in worker.runs
            for read in last.stretches
        ],
    )
    conn.execute("CREATE INDEX slice.ends_batch ON ends (run, batch, ordinal)")
    conn.execute("CREATE INDEX slice.outputs_batch ON outputs (run, batch)")
    _find_parent_rows(source)
    conn.execute("CREATE TABLE slice.totals (run, rows)")
    for run in found.runs:
        if "rows" in source.columns:
            conn.execute(
                "INSERT INTO slice.totals SELECT ?, count(*) FROM given_rows WHERE run = ?",
                (worker.runs.index(run), run),
            )
    found.judged.records["batches"] = conn.execute("SELECT count(*) FROM slice.trail_batches").fetchone()[0]
    if not wanted_laws or "L6" in wanted_laws:
        for run, relation in source.orphans():
            found.judged.breached["run/L6"] += 1
            found.judged.breaches.append(
                Breach(
                    "run/L6",
                    "L6",
                    run,
                    None,
                    None,
                    None,
                    f"a record of {relation} belongs to a run that does not exist",
                )
            )
    counts = {**found.judged.records, "runs": len(found.runs)}
    worker.see(found.judged)
    for query in worker.queries:
        if query.unit != "row" and counts.get(query.asked):
            found.judged.checked[query.name] += counts[query.asked]
            worker.ask(query, found.judged)
    unseen = {query.name for query in worker.queries if missing(query, found)}
    for name in unseen:  # a result that needs a column without any value is not a breach
        found.judged.breached.pop(name, None)
        found.judged.checked.pop(name, None)
    found.judged.breaches = [breach for breach in found.judged.breaches if breach.query not in unseen]
    for run, last in found.remembered.runs.items():
        last.stretches = _read_ranges(conn, worker.runs.index(run))


def missing(query: Query, found: AuditResult) -> list[str]:
    """The relations and columns that a query needs but that are not recorded."""
    return [need for need in query.needs if not _recorded(need, found)]


def _recorded(need: str, found: AuditResult) -> bool:
    relation, _, column = need.partition(".")
    if not column or found.adapter.whole:
        return relation in found.columns and (not column or column in found.columns[relation])
    return need in found.judged.seen


def _find_parent_rows(source: Source) -> None:
    """Find the rows of parents that are not in the range of their child."""
    source.conn.execute("CREATE TABLE slice.parent_rows (run, token, row)")
    if source.conn.execute("SELECT 1 FROM slice.unresolved_parents LIMIT 1").fetchone():
        source.conn.execute(
            'INSERT INTO slice.parent_rows SELECT n.number, t.token, t."row" FROM given_tokens AS t '
            "JOIN slice.run_numbers AS n ON n.name = t.run WHERE t.token IN (SELECT parent FROM slice.unresolved_parents)"
        )
    source.conn.execute("CREATE INDEX slice.parent_rows_token ON parent_rows (token, run)")


def _read_ranges(conn: sqlite3.Connection, run: int) -> list[tuple[str | None, int, int, int]]:
    """How far each source was read, as one range for each source."""
    rows = conn.execute(
        "SELECT source, max(part), min(first_idx), max(last_idx) FROM slice.read_ranges WHERE run = ? GROUP BY source",
        (run,),
    )
    return [(source, int(part), int(first), int(last)) for source, part, first, last in rows]

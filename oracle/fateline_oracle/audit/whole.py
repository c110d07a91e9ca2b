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
4. A question that needs what is recorded nowhere has no answer (`evidence.py`). That is known only at the end, so what it
   returned is dropped then.

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
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Final

from fateline_model.words import RunStatus

from ..parallel import in_processes
from .adapters import Adapter, version_notes
from .connect import BadSource, TookTooLong, bounded, fingerprint, is_being_written, notes, snapshot
from .evidence import MEANINGFUL_ABSENCE, given, relation_of
from .import_records import copy_records
from .incremental import Remembered, RunRemembered
from .postgresql import Place, one_moment, read_from
from .queries import CROSS_RANGE_TABLES, Query
from .row_range import Breach, RangeResult, RangeWorker
from .source import LARGEST, PATIENCE, WHOLE, Range, Source

ROWS: Final = 4_000
"""The number of rows in a range."""
_KEPT_TABLES: Final = {**{name: columns for name, (columns, _) in CROSS_RANGE_TABLES.items()}, "gap_runs": "run, need"}
KEPT: Final = 1_000
"""The number of breaches of each query that are kept. All are counted."""


@dataclass(frozen=True)
class Wanted:
    """What to audit, and how."""

    path: Path | Place
    """A file of SQLite, or a database of a server."""
    adapter: Adapter
    runs: tuple[str, ...] = ()
    laws: frozenset[str] | None = None
    jobs: int = 1
    kept: int = KEPT
    patience: float = PATIENCE
    rows: int = ROWS


@dataclass
class RunState:
    """One run: its status, how many rows it has of how many its source gave, and where tokens without a fate are."""

    run: str
    status: str | None
    rows_given: int | None = None
    rows: int = 0
    tokens: int = 0
    parents: int = 0
    without_end: Counter[str] = field(default_factory=Counter)

    @property
    def over(self) -> bool:
        return self.status == RunStatus.COMPLETED


STRAYS: Final = "strays"
"""The name of the question whether a record is of a run that exists; it breaks L6."""


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
    states: dict[str, RunState] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """What a reader should know of the file itself."""
    without_run: dict[str, int] = field(default_factory=dict)
    """How many records of each relation belong to no run."""
    recorded: dict[str, bool] = field(default_factory=dict)
    """Of each relation, whether there is a record of it in any run."""

    @property
    def checked(self) -> Counter[str]:
        """Checks by law."""
        return self._by_law(self.judged.checked)

    @property
    def breached(self) -> Counter[str]:
        """Breaches by law."""
        found = self._by_law(self.judged.breached)
        if strays := self.judged.breached[STRAYS]:
            found["L6"] += strays
        return found

    def _by_law(self, by_query: Mapping[str, int]) -> Counter[str]:
        found: Counter[str] = Counter()
        for query in self.queries:
            if count := by_query.get(query.name):
                found[query.law] += count
        return found


def audit_records(records: Iterable[Mapping[str, object]]) -> AuditResult:
    """Audit records of an engine that records everything."""
    with tempfile.TemporaryDirectory(prefix="fateline-audit-") as folder:
        copy = Path(folder) / "trail.db"
        return audit(Wanted(copy, copy_records(records, copy, whole=True)))


def audit(
    wanted: Wanted, before: Remembered | None = None, progress: Callable[[str], None] | None = None
) -> AuditResult:
    """Audit a database as it is at one moment.

    While somebody writes to it with a log, everything is read in one transaction of one process. If it changed although
    nobody seemed to write to it, a copy is audited.
    """
    path = wanted.path
    if isinstance(path, Place):
        with one_moment(path, wanted.patience) as then:
            return _audit(replace(wanted, path=then), before, progress, live=False)
    found = _of_one_moment(wanted, path, before, progress)
    found.notes = (*notes(path), *version_notes(path, wanted.adapter))
    return found


def _of_one_moment(
    wanted: Wanted, path: Path, before: Remembered | None, progress: Callable[[str], None] | None
) -> AuditResult:
    live, known = is_being_written(path), fingerprint(path)
    try:
        found = _audit(replace(wanted, jobs=1) if live else wanted, before, progress, live=live)
        if live or fingerprint(path) == known:
            return found
    except TookTooLong:  # only in the one transaction, which that ended
        pass
    except BadSource:
        if live or fingerprint(path) == known:
            raise
    with snapshot(path) as copy:
        return _audit(replace(wanted, path=copy), before, progress, live=False)


def _audit(
    wanted: Wanted, before: Remembered | None, progress: Callable[[str], None] | None, *, live: bool
) -> AuditResult:
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="fateline-audit-") as folder, _worker(wanted, Path(folder) / "0") as worker:
        worker.one_transaction = live
        worker.conn.execute("BEGIN")  # from the first read on, everything is of one moment
        source = worker.source
        before = before or Remembered(wanted.adapter.name)
        try:
            with bounded(worker.conn, wanted.patience):
                runs = _runs(source, wanted)
                found = AuditResult(
                    wanted.adapter, source.columns, RangeResult(), runs, Remembered(wanted.adapter.name)
                )
                found.queries = tuple(worker.queries)
                found.recorded = source.recorded()
                states = [RunState(run, status, given) for run, status, given in source.run_states() if run in runs]
                found.states = {state.run: state for state in states}
                ranges = [
                    piece for run in runs for piece in _ranges(source, run, wanted.rows, before.runs.get(run), found)
                ]
        except TookTooLong:
            raise BadSource(
                f"{wanted.path}: to read which runs and rows there are took longer than {wanted.patience:g} s; "
                "--patience allows more"
            ) from None
        if not live:
            worker.conn.execute("COMMIT")
        for number, (piece, judged, left) in enumerate(_check_ranges(wanted, Path(folder), ranges, worker), 1):
            found.judged.add(judged, wanted.kept)
            state = found.states[piece.run]
            state.rows += judged.records["rows"]
            state.tokens += judged.records["tokens"]
            state.parents += judged.records["parents"]
            state.without_end.update(judged.without_end)
            found.remembered.left(piece.run, left)
            if progress is not None:
                progress(f"{number:,} of {len(ranges):,} ranges, {found.judged.records['tokens']:,} tokens")
        _across_ranges(worker, sorted(Path(folder).iterdir()), found, before, wanted)
        if live:
            worker.conn.execute("COMMIT")
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
    for first in source.firsts(run, last.upto + 1, bounds[1], rows):
        yield Range(run, first, min(first + rows - 1, bounds[1]))
    if bounds[1] < LARGEST:
        yield Range(run, bounds[1] + 1, None)
    yield Range(run, None, None, orphans=True)


def _sharing_a_batch(source: Source, run: str, last: RunRemembered) -> Iterator[int]:
    """Ended rows that share a batch with an unended or new row. They are checked with it."""
    if "members" not in source.columns:
        return
    rows = list(source.members(run))
    assert last.upto is not None
    unended = set(last.open)
    fresh = {batch for batch, part in rows if part > last.upto or part in unended}
    yield from (int(part) for batch, part in rows if batch in fresh and part <= last.upto)


# ---------------------------------------------------------------------------------------------------- processes


@contextmanager
def _worker(wanted: Wanted, kept_in: Path) -> Iterator[RangeWorker]:
    with read_from(wanted.path, wanted.adapter, wanted.patience) as source:
        source.conn.execute("ATTACH '' AS slice")  # in memory; SQLite moves it to disk if it grows
        source.conn.execute("ATTACH ? AS cross_range", (str(kept_in),))
        for name, columns in _KEPT_TABLES.items():
            source.conn.execute(f"CREATE TABLE cross_range.{name} ({columns})")
        yield RangeWorker(source, wanted.laws, wanted.patience, wanted.kept)


def _worker_in_process(wanted: Wanted, folder: Path) -> AbstractContextManager[RangeWorker]:
    return _worker(wanted, folder / str(os.getpid()))


def _judged(worker: RangeWorker, piece: Range) -> RangeResult:
    """Check a range in a transaction of its own. SQLite takes it back if a statement in it takes too long; then once more."""
    if worker.one_transaction:
        return worker.judge(piece)
    while True:
        worker.conn.execute("BEGIN")
        try:
            return worker.judge(piece)
        except TookTooLong:  # what took too long is left out from now on
            if worker.conn.in_transaction:
                worker.conn.execute("ROLLBACK")
            worker.forget()


def _check_range(worker: RangeWorker, piece: Range) -> tuple[Range, RangeResult, list[int]]:
    judged = _judged(worker, piece)
    left = set(worker.unfinished()) if judged.records["tokens"] else set()
    left |= {
        breach.part for breach in judged.breaches if breach.part is not None
    }  # rows with a breach are checked again next time
    if not worker.one_transaction:
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


def _load_whole(worker: RangeWorker) -> None:
    while True:
        try:
            return worker.whole()
        except TookTooLong:  # it is left out from now on
            if worker.one_transaction:
                raise


def _across_ranges(
    worker: RangeWorker,
    files: Sequence[Path],
    found: AuditResult,
    before: Remembered,
    wanted: Wanted,
) -> None:
    """Ask the queries about batches with all their members, about parents in other ranges, and about runs."""
    conn, source = worker.conn, worker.source
    _load_whole(worker)
    found.judged.gave_up.update(worker.without_answer())
    for name, columns in _KEPT_TABLES.items():
        conn.execute(f"CREATE TABLE slice.{name} ({columns})")
    conn.execute("INSERT INTO slice.gap_runs SELECT DISTINCT run, need FROM slice.gaps")
    for name, columns in _KEPT_TABLES.items():
        conn.execute(f"INSERT INTO slice.{name} SELECT {columns} FROM cross_range.{name}")
    for path in files:  # those of the other processes
        if not path.name.isdecimal() or path.name == "0":
            continue
        conn.execute("ATTACH ? AS other", (str(path),))
        for name, columns in _KEPT_TABLES.items():
            conn.execute(f"INSERT INTO slice.{name} SELECT {columns} FROM other.{name}")
        conn.execute("DETACH other")
    conn.executemany(  # what an earlier audit read is in its own ranges, also if a row of it was read again
        "DELETE FROM slice.read_ranges WHERE run = ? AND part <= ?",
        [(worker.runs.index(run), last.upto) for run, last in before.runs.items() if run in worker.runs],
    )
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
    _find_parent_rows(worker)
    conn.execute("CREATE TABLE slice.totals (run, rows)")
    for run in found.runs:
        if "rows" in source.columns:
            conn.execute("INSERT INTO slice.totals VALUES (?, ?)", (worker.runs.index(run), source.rows_of(run)))
    found.judged.records["batches"] = conn.execute("SELECT count(*) FROM slice.trail_batches").fetchone()[0]
    _find_strays(source, wanted, found)
    worker.see(found.judged)
    if not wanted.adapter.whole:
        conn.execute("CREATE INDEX slice.gap_runs_need ON gap_runs (need)")
    for query in worker.queries:
        if query.unit != "row" and query.name not in found.judged.gave_up:
            _ask_of_runs(worker, query, found)
    for query in worker.queries:
        lacking = missing(query, found)
        if lacking:  # without it there is no answer
            found.judged.breached.pop(query.name, None)
            asked = found.judged.checked.pop(query.name, 0)
            found.judged.unknown.update({(query.name, need): asked for need in lacking})
            found.judged.breaches = [breach for breach in found.judged.breaches if breach.query != query.name]
    for run, last in found.remembered.runs.items():
        last.stretches = _read_ranges(conn, worker.runs.index(run))


THINGS: Final = {
    "members": "SELECT run, count(*) FROM slice.ends GROUP BY run",
    "batches": "SELECT run, count(*) FROM slice.trail_batches GROUP BY run",
    "outputs": "SELECT run, count(*) FROM slice.outputs GROUP BY run",
    "runs": "SELECT run, count(*) FROM slice.trail_runs GROUP BY run",
    "ended runs": "SELECT run, count(*) FROM slice.trail_runs WHERE status = 'completed' GROUP BY run",
    "batches of ended runs": "SELECT b.run, count(*) FROM slice.trail_batches AS b JOIN slice.trail_runs AS r "
    "ON r.run = b.run AND r.status = 'completed' GROUP BY b.run",
}
"""The things that a question about batches or runs may be about, by run."""


def _find_strays(source: Source, wanted: Wanted, found: AuditResult) -> None:
    """Count the records that belong to no run, and note those of a run that does not exist."""
    asked = not wanted.laws or "L6" in wanted.laws
    try:
        with bounded(source.conn, wanted.patience):
            found.without_run = source.without_run()
            strays = source.orphans() if asked else []
    except TookTooLong:
        why = f"was not found out within {wanted.patience:g} s; --patience allows more"
        found.notes += (f"Whether each record is of a run that exists {why}.",)
        return
    for run, relation in strays:
        said = f"a record of {relation} belongs to a run that does not exist"
        found.judged.breached[STRAYS] += 1
        found.judged.breaches.append(Breach(STRAYS, "L6", run, None, None, None, said))


def _ask_of_runs(worker: RangeWorker, query: Query, found: AuditResult) -> None:
    """Ask a question of the runs that have no gap in what it needs, and count the rest."""
    if query.asked in THINGS:
        counted = worker.conn.execute(THINGS[query.asked])
        things = {worker.runs[run]: int(count) for run, count in counted if run is not None}  # a stray has no run
    else:
        things = {run: state.parents for run, state in found.states.items()}
    things = {run: count for run, count in things.items() if run in found.runs}
    left_out: set[str] = set()
    for need in query.needs:
        runs = {
            worker.runs[run] for (run,) in worker.conn.execute("SELECT run FROM slice.gap_runs WHERE need = ?", (need,))
        }
        if runs:
            found.judged.unknown[query.name, need] += sum(things.get(run, 0) for run in runs)
            left_out |= runs
    answered = sum(count for run, count in things.items() if run not in left_out)
    if answered:
        found.judged.checked[query.name] += answered
        worker.ask(query, found.judged, runs=left_out)


def missing(query: Query, found: AuditResult) -> list[str]:
    """What a query needs and what is recorded nowhere."""
    return [need for need in query.needs if not _recorded(need, found)]


def _recorded(need: str, found: AuditResult) -> bool:
    if not given(need, found.columns):
        return False
    relation = relation_of(need)
    if found.adapter.whole or relation in WHOLE:
        return True
    if not found.recorded[relation]:
        return False
    return need not in MEANINGFUL_ABSENCE or (
        need in found.judged.seen and found.recorded.get(MEANINGFUL_ABSENCE[need], False)
    )


def _find_parent_rows(worker: RangeWorker) -> None:
    """Find the rows of parents that are not in the range of their child."""
    source = worker.source
    source.conn.execute("CREATE TABLE slice.parent_rows (run, token, row)")
    names = [name for (name,) in source.conn.execute("SELECT DISTINCT parent FROM slice.unresolved_parents")]
    if names:
        numbers = {run: number for number, run in enumerate(worker.runs)}
        found = ((numbers[run], token, row) for run, token, row in source.tokens_called(names) if run in numbers)
        source.conn.executemany("INSERT INTO slice.parent_rows VALUES (?, ?, ?)", found)
    source.conn.execute("CREATE INDEX slice.parent_rows_token ON parent_rows (token, run)")


def _read_ranges(conn: sqlite3.Connection, run: int) -> list[tuple[str | None, int, int, int]]:
    """How far each source was read, as one range for each source."""
    rows = conn.execute(
        "SELECT source, max(part), min(first_idx), max(last_idx) FROM slice.read_ranges WHERE run = ? GROUP BY source",
        (run,),
    )
    return [(source, int(part), int(first), int(last)) for source, part, first, last in rows]

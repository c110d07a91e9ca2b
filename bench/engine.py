"""Measures the engine: rows per second through a gate, a fork of 2, a coalesce and a file sink, with a full trail.

It runs 10,000 and 200,000 rows, each run in a separate process, and compares them with the *bare inserts* of the trail
that the run wrote, in the same minute: the same statements, values, schema, guards and commits, one `execute` each. The
upper limit is printed too: `executemany` without guards and foreign keys. Time and memory per row should not grow with
the run.

This is not a test. `FATELINE_BENCH_ROWS` sets other sizes, as in `1000,5000`.
"""

import json
import os
import resource
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, NamedTuple

from fateline_engine.landscape import GUARDS, Landscape
from fateline_engine.landscape.recorder import COLUMNS
from fateline_engine.orchestrator import Orchestrator
from fateline_engine.settings import load_pipeline

SIZES: Final = (10_000, 200_000)
BLOCK: Final = 100
"""Rows a commit, as the engine does it."""
BEFORE: Final = ("runs", "nodes", "edges", "contracts")
TABLES: Final = tuple(table for table in COLUMNS if table not in ("contracts", "batches", "members", "losses"))

PIPELINE: Final = """
name: bench
nodes:
  - {name: src, kind: source, to: split, plugin: jsonl, options: {path: in.jsonl}}
  - {name: split, kind: gate, when: '"all"', routes: {all: fork}, fork: {a: join, b: join}}
  - {name: join, kind: coalesce, branches: [a, b], to: out}
  - {name: out, kind: sink, plugin: jsonl, options: {path: out.jsonl}}
"""


class Figure(NamedTuple):
    """Seconds of wall clock and of processor, and the most memory that the process had, in MiB."""

    wall: float
    cpu: float
    peak: float


def prepare(folder: Path, rows: int) -> None:
    """The pipeline and its source."""
    (folder / "bench.yaml").write_text(PIPELINE)
    with (folder / "in.jsonl").open("w") as stream:
        for number in range(rows):
            stream.write(json.dumps({"id": number, "name": f"name {number}", "amount": number / 4}) + "\n")


def run(folder: Path) -> None:
    """The engine, from file to file."""
    with Landscape.open(folder / "trail.db") as landscape:
        summary = Orchestrator(load_pipeline(folder / "bench.yaml"), landscape).run()
    assert summary.finished, summary


def blocks(folder: Path) -> Iterator[dict[str, list[tuple[Any, ...]]]]:
    """What each commit of the run wrote, by table and in its order."""
    conn = sqlite3.connect(folder / "trail.db")
    (last,) = conn.execute("SELECT max(row) FROM rows").fetchone()
    for first in range(0, last + 1, BLOCK):
        yield {
            table: conn.execute(
                f"SELECT * FROM {table} WHERE run = 1 AND row >= ? AND row < ? ORDER BY seq"
                if table not in ("visits", "barriers")
                else f"SELECT * FROM {table} WHERE run = 1 AND row >= ? AND row < ?",
                (first, first + BLOCK),
            ).fetchall()
            for table in TABLES
        }
    conn.close()


def replay(folder: Path, *, guarded: bool) -> tuple[float, float]:
    """Write the trail again: one ``execute`` a record, or ``executemany`` without guards. Reading is not counted."""
    target = folder / f"bare-{guarded}.db"
    target.unlink(missing_ok=True)
    with Landscape.open(target) as landscape:
        conn = landscape.conn
        _begin(folder, conn)
        if not guarded:
            conn.execute("PRAGMA foreign_keys = OFF")
            for guard in GUARDS:
                conn.execute(f"DROP TRIGGER {guard.name}")
        inserts = {table: f"INSERT INTO {table} VALUES ({', '.join('?' * len(COLUMNS[table]))})" for table in TABLES}
        wall = cpu = 0.0
        for block in blocks(folder):
            begun, used = time.perf_counter(), time.process_time()
            conn.execute("BEGIN IMMEDIATE")
            for table, records in block.items():
                if guarded:
                    statement = inserts[table]
                    for record in records:
                        conn.execute(statement, record)
                else:
                    conn.executemany(inserts[table], records)
            conn.execute("COMMIT")
            wall += time.perf_counter() - begun
            cpu += time.process_time() - used
    return wall, cpu


def _begin(folder: Path, conn: sqlite3.Connection) -> None:
    """What is there before the first row: the run, still running, its nodes and edges, its contracts."""
    old = sqlite3.connect(folder / "trail.db")
    for table in BEFORE:
        for record in old.execute(f"SELECT * FROM {table}"):
            values = list(record)
            if table == "runs":
                values[5:7] = "running", None
            conn.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", values)
    old.close()


def _child(what: str, folder: Path, told: Any) -> None:
    begun, used = time.perf_counter(), time.process_time()
    if what == "engine":
        run(folder)
        wall, cpu = time.perf_counter() - begun, time.process_time() - used
    else:
        wall, cpu = replay(folder, guarded=what == "bare")
    told.put(Figure(wall, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def measure(what: str, folder: Path) -> Figure:
    """One measurement in a process of its own."""
    context = get_context("spawn")
    told = context.Queue()
    process = context.Process(target=_child, args=(what, folder, told))
    process.start()
    figure: Figure = told.get()
    process.join()
    return figure


def main() -> None:
    """Measure each size and print what was found."""
    sizes = [int(size) for size in os.environ.get("FATELINE_BENCH_ROWS", "").split(",") if size] or list(SIZES)
    print(f"{'rows':>8} {'':<28}{'rows/s':>9} {'us/row':>8} {'cpu us':>8} {'peak MiB':>9}")
    for rows in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            prepare(folder, rows)
            figures = {what: measure(what, folder) for what in ("engine", "bare", "ceiling")}
        texts = {"engine": "engine", "bare": "bare inserts, guarded", "ceiling": "executemany, no guards"}
        for what, (wall, cpu, peak) in figures.items():
            told = f"{rows:>8} {texts[what]:<28}{rows / wall:>9,.0f} {wall / rows * 1e6:>8.0f} {cpu / rows * 1e6:>8.0f}"
            print(f"{told} {peak:>9.0f}", flush=True)
        ratio = figures["bare"].wall / figures["engine"].wall
        print(f"{rows:>8} the engine runs at {ratio:.2f} of the bare rate", flush=True)


if __name__ == "__main__":
    main()

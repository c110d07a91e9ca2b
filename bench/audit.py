"""Measures the audit: tokens per second over every law, against a plain read of the same columns in the same minute.

It audits a synthetic landscape in as many processes as there are processors, and compares that with reading every
column of every relation once in one process, as a report would. The landscape has what the engine wrote for four
examples, repeated: each row with its tokens, visits and barriers is copied under the next numbers, until there are
enough tokens. Some rows have a seeded breach, of every kind that the tables can hold; the number of kinds that were
found is printed.

This is not a test. `FATELINE_BENCH_TOKENS` sets other sizes, as in `100000,1000000`.
"""

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final, NamedTuple

from fateline_engine.landscape.store import Landscape
from fateline_oracle.audit.adapters import find_adapter
from fateline_oracle.audit.source import reading
from fateline_oracle.audit.whole import Wanted, audit

ROOT: Final = Path(__file__).parents[1]
SIZES: Final = (1_000_000,)
SHARES: Final = {"quorum": 0.7, "claims": 0.15, "invoices": 0.1, "sensors": 0.05}
"""The share of the tokens that each example gives."""
PER_ROW: Final = ("rows", "tokens", "parents", "visits", "fates", "barriers", "losses", "merges", "members")
MOVED: Final = {"row": "rows", "parent_row": "rows", "batch": "batches", "seq": "seqs", "opened": "seqs", "closed": "seqs",
                "tx": "txs", "opened_tx": "txs", "idx": "rows"}  # fmt: skip
"""The columns that are shifted from one repetition to the next, and the unit of the shift."""
SEEDED: Final = {
    "F2": "DELETE FROM fates WHERE run = {run} AND row = {row} AND outcome IN ('completed', 'routed')",
    "F3": "UPDATE fates SET seq = 1 WHERE run = {run} AND row = {row} AND token = 0",
    "F8": "UPDATE fates SET sink = 1 WHERE run = {run} AND row = {row} AND outcome = 'forked'",
    "F7": "UPDATE fates SET sink = 3 WHERE run = {run} AND row = {row} AND outcome IN ('completed', 'routed')",
    "K1": "UPDATE tokens SET branch = 'rules' WHERE run = {run} AND row = {row} AND branch = 'velocity'",
    "K2": "UPDATE fates SET tx = 1 WHERE run = {run} AND row = {row} AND outcome = 'forked'",
    "K3": "UPDATE visits SET digest_in = x'00' WHERE run = {run} AND row = {row} AND verdict IN ('written', 'pass')",
    "L2": "UPDATE parents SET parent_row = row - 1 WHERE run = {run} AND row = {row} AND child = 1",
    "L5": "UPDATE tokens SET group_kind = NULL, branch = NULL WHERE run = {run} AND row = {row} AND token = 1",
    "L8": "DELETE FROM rows WHERE run = {run} AND row = {row}",
    "C2": "DELETE FROM parents WHERE run = {run} AND row = {row} AND child = 4 AND ordinal = 0",
    "C3": "UPDATE barriers SET verdict = 'failed', reason = 'no_arrivals' WHERE run = {run} AND row = {row}",
    "C16": "UPDATE fates SET reason = 'branch_lost' WHERE run = {run} AND row = {row} AND reason LIKE 'late%'",
    "C8": "UPDATE barriers SET arrived = 'thorough' WHERE run = {run} AND row = {row}",
    "C9": "UPDATE merges SET origins = replace(origins, 'true', 'false') WHERE run = {run} AND row = {row}",
    "C11": "UPDATE barriers SET trigger = 'deadline' WHERE run = {run} AND row = {row}",
    "V1": "UPDATE visits SET status = 'open', closed = NULL WHERE run = {run} AND row = {row} AND verdict = 'written'",
    "V5": "UPDATE visits SET attempt = 7 WHERE run = {run} AND row = {row} AND verdict = 'written'",
    "V3": "UPDATE visits SET closed = closed + 9 WHERE run = {run} AND row = {row} AND token = 0",
    "V4": "UPDATE visits SET verdict = 'drop' WHERE run = {run} AND row = {row} AND verdict = 'pass'",
    "T1": "UPDATE visits SET edge = 0 WHERE run = {run} AND row = {row} AND verdict = 'pass'",
    "R1": "UPDATE tokens SET tx = 1 WHERE run = {run} AND row = {row} AND token = 4",
    "R4": "UPDATE visits SET tx = 1 WHERE run = {run} AND row = {row} AND verdict = 'written'",
    "D2": "DELETE FROM visits WHERE run = {run} AND row = {row} AND verdict = 'written'",
}
"""A breach of each law, in one row of the first run."""


class Found(NamedTuple):
    """The number of tokens or records that were read, and the breaches found."""

    seen: int
    breached: Mapping[str, int] = {}
    gave_up: Sequence[str] = ()


class Figure(NamedTuple):
    """Seconds of wall clock, and the most memory that one process had, in MiB."""

    wall: float
    peak: float


def synthetic(folder: Path, tokens: int) -> Path:
    """A landscape with about this number of tokens."""
    target = folder / "synthetic.db"
    for number, (name, share) in enumerate(SHARES.items(), 1):
        shutil.copytree(ROOT / "examples" / name, folder / name)
        subprocess.run(
            [sys.executable, "-c", "from fateline_oracle.cli import main; main()", "run", str(folder / name / "pipeline.yaml")],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        _repeat(folder / name / "pipeline.db", target, number, round(tokens * share))
    conn = sqlite3.connect(target)
    for place, damage in enumerate(SEEDED.values()):
        conn.execute(damage.format(run=1, row=101 + 50 * place))
    conn.commit()
    conn.execute("PRAGMA journal_mode = DELETE")
    conn.close()
    return target


def _repeat(origin: Path, target: Path, run: int, tokens: int) -> None:
    """Copy one run and repeat its rows. The schema has no guards, because they would refuse the seeded breaches."""
    if not target.exists():
        Landscape.open(target).close()
    conn = sqlite3.connect(target, isolation_level=None)
    conn.execute("PRAGMA journal_mode = OFF")
    conn.execute("PRAGMA synchronous = OFF")
    for (trigger,) in conn.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        conn.execute(f'DROP TRIGGER "{trigger}"')
    conn.execute("ATTACH ? AS origin", (str(origin),))
    step = {
        "rows": "SELECT max(row) + 1 FROM origin.rows",
        "batches": "SELECT coalesce(max(batch) + 1, 0) FROM origin.batches",
        "seqs": "SELECT last_seq FROM origin.runs",
        "txs": "SELECT last_tx FROM origin.runs",
        "tokens": "SELECT count(*) FROM origin.tokens",
    }
    sizes = {name: int(conn.execute(sql).fetchone()[0]) for name, sql in step.items()}
    times = max(1, tokens // sizes["tokens"])
    series = f"WITH RECURSIVE k(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM k WHERE k < {times - 1})"
    conn.execute("BEGIN")
    for table in ("runs", "nodes", "edges", "contracts", "errors", *PER_ROW, "batches"):
        columns = [str(row[1]) for row in conn.execute(f"PRAGMA main.table_info({table})")]
        again = table in PER_ROW or table == "batches"
        said = [
            str(run) if column == "run"
            else f"rows * {times}" if (table, column) == ("runs", "rows")
            else "NULL" if column == "data" and table != "rows"
            else f"{column} + k * {sizes[MOVED[column]]}" if again and column in MOVED
            else column
            for column in columns
        ]  # fmt: skip
        names = ", ".join(columns)
        source = f"k, origin.{table}" if again else f"origin.{table}"
        conn.execute(
            f"{series if again else ''} INSERT INTO main.{table} ({names}) SELECT {', '.join(said)} FROM {source}"
        )
    conn.execute("COMMIT")
    conn.close()


def read_plainly(path: Path) -> int:
    """Every column of every relation, once."""
    seen = 0
    with reading(path, find_adapter(path)) as source:
        for relation, columns in source.columns.items():
            said = ", ".join(f'max("{column}")' for column in columns)
            seen += int(source.conn.execute(f"SELECT count(*), {said} FROM given_{relation}").fetchone()[0])
    return seen


def _measured(send: Connection, path: str, what: str, jobs: int) -> None:
    started = time.perf_counter()
    if what == "audit":
        done = audit(Wanted(Path(path), find_adapter(Path(path)), jobs=jobs))
        found = Found(done.judged.records["tokens"], dict(done.breached), list(done.judged.gave_up))
    else:
        found = Found(read_plainly(Path(path)))
    wall = time.perf_counter() - started
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    send.send((found, Figure(wall, peak)))


def measure(path: Path, what: str, jobs: int) -> tuple[Found, Figure]:
    """Measure in a separate process, so that its memory is measured alone."""
    context = get_context("spawn")
    receive, send = context.Pipe()
    process = context.Process(target=_measured, args=(send, str(path), what, jobs))
    process.start()
    found, figure = receive.recv()
    process.join()
    return found, figure


def _sizes() -> Iterator[int]:
    said = os.environ.get("FATELINE_BENCH_TOKENS")
    yield from (int(size) for size in said.split(",")) if said else SIZES


def main() -> None:
    jobs = os.cpu_count() or 1
    for tokens in _sizes():
        with tempfile.TemporaryDirectory(prefix="fateline-bench-") as folder:
            path = synthetic(Path(folder), tokens)
            size = path.stat().st_size / 2**30
            read, plain = measure(path, "read", 1)
            found, judged = measure(path, "audit", jobs)
        kinds = sum(law in found.breached for law in SEEDED)
        print(f"{found.seen:,} tokens, {read.seen:,} records, {size:.1f} GiB")
        for what, figure in (("plain read, 1 process", plain), (f"audit, all laws, {jobs} processes", judged)):
            rate = found.seen / figure.wall
            print(f"  {what:30} {rate:>12,.0f} tokens/s  {figure.wall:7.1f} s  {figure.peak:6.0f} MiB in one process")
        print(
            f"  audit / plain read: {judged.wall / plain.wall:.2f}; breaches of {kinds} of {len(SEEDED)} seeded kinds found"
        )
        print(f"  found: {', '.join(f'{law} {count}' for law, count in sorted(found.breached.items()))}")
        if lacking := [law for law in SEEDED if law not in found.breached]:
            print(f"  NOT FOUND: {', '.join(lacking)}")
        if found.gave_up:
            print(f"  GAVE UP: {', '.join(found.gave_up)}")


if __name__ == "__main__":
    main()

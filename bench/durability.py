"""Measures what durability costs: rows per second of whole runs, with and without what makes commits and sinks durable.

It runs the pipeline of `bench/engine.py`, from file to file, in turns in the same minute: unchanged; with `synchronous
= NORMAL`, where a power loss may lose the last commits; and with nothing durable (`synchronous = OFF`, sinks without
fsync). Once with the default commits, once with a commit for every row. Ratios are relative to the unchanged run; the
figures are the median of three.

This is not a test. `FATELINE_BENCH_ROWS` sets other numbers of rows, as in `1000,5000`.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Final
from unittest.mock import patch

from fateline_engine.landscape import Landscape
from fateline_engine.orchestrator import Orchestrator
from fateline_engine.settings import load_pipeline

from .engine import prepare

SIZES: Final = (5_000,)
TURNS: Final = 3
EACH_ROW: Final = 1
SETTINGS: Final = {
    "as it is: synchronous = FULL, sinks flushed to the disk": ("FULL", True),
    "synchronous = NORMAL, sinks flushed to the disk": ("NORMAL", True),
    "nothing durable: synchronous = OFF, no fsync": ("OFF", False),
}


@contextmanager
def _fsync(does: bool) -> Iterator[None]:
    """While this lasts, whether the engine's own calls reach the disk."""
    with patch("os.fsync", os.fsync if does else _nothing):
        yield


def _nothing(fd: int) -> None: ...


def run(folder: Path, synchronous: str, fsync: bool, commit_rows: int | None) -> float:
    """Seconds of one run."""
    database = folder / "trail.db"
    for file in folder.glob("trail.db*"):
        file.unlink()
    begun = time.perf_counter()
    with Landscape.open(database) as landscape, _fsync(fsync):
        landscape.conn.execute(f"PRAGMA synchronous = {synchronous}")
        summary = Orchestrator(load_pipeline(folder / "bench.yaml"), landscape, commit_rows=commit_rows).run()
    assert summary.finished, summary
    return time.perf_counter() - begun


def main() -> None:
    """Measure and print."""
    sizes = [int(size) for size in os.environ.get("FATELINE_BENCH_ROWS", "").split(",") if size] or list(SIZES)
    print(f"{'rows':>8} {'commits':<10}{'':<58}{'rows/s':>8} {'ratio':>6}")
    for rows in sizes:
        for commits, commit_rows in (("default", None), ("each row", EACH_ROW)):
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                prepare(folder, rows)
                seconds: dict[str, list[float]] = {says: [] for says in SETTINGS}
                for _ in range(TURNS):
                    for says, (synchronous, fsync) in SETTINGS.items():
                        seconds[says].append(run(folder, synchronous, fsync, commit_rows))
            first = median(next(iter(seconds.values())))
            for says, found in seconds.items():
                told = f"{rows:>8} {commits:<10}{says:<58}{rows / median(found):>8,.0f}"
                print(f"{told} {first / median(found):>6.2f}", flush=True)


if __name__ == "__main__":
    main()

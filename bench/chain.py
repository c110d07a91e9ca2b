"""Measures what the chain of commits costs: rows per second of whole runs, with and without it.

It runs the pipeline of `bench/engine.py`, from file to file, in pairs in turns: as it is, and with nothing computed or written
for the chain. Once with the default commits, once, for fewer rows, with a commit for every row. The figure is the median of the
ratios of the pairs, by the time of the processor and by the clock; other programs share the clock.

This is not a test. `FATELINE_BENCH_ROWS` sets other numbers of rows, as in `1000,5000`.
"""

import os
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Final
from unittest.mock import patch

from fateline_engine.landscape import Landscape
from fateline_engine.orchestrator import Orchestrator
from fateline_engine.settings import load_pipeline

from .engine import prepare

SIZES: Final = (2_000,)
PAIRS: Final = 9
EACH_ROW: Final = 1
FEWER: Final = 10
"""The run with a commit for each row has so many times fewer rows."""


def run(folder: Path, chained: bool, commit_rows: int | None) -> tuple[float, float]:
    """Seconds of one run: of the processor, and of the clock."""
    database = folder / "trail.db"
    for file in folder.glob("trail.db*"):
        file.unlink()
    begun, used = time.perf_counter(), time.process_time()
    with Landscape.open(database) as landscape:
        engine = Orchestrator(load_pipeline(folder / "bench.yaml"), landscape, commit_rows=commit_rows)
        if chained:
            summary = engine.run()
        else:
            with patch("fateline_engine.landscape.chain.add"):
                summary = engine.run()
    assert summary.finished, summary
    return time.process_time() - used, time.perf_counter() - begun


def main() -> None:
    """Measure and print."""
    sizes = [int(size) for size in os.environ.get("FATELINE_BENCH_ROWS", "").split(",") if size] or list(SIZES)
    print(f"{'rows':>8} {'commits':<10}{'throughput with / without the chain':>38}")
    for rows in sizes:
        for commits, commit_rows in (("default", None), ("each row", EACH_ROW)):
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                prepare(folder, rows if commit_rows is None else rows // FEWER)
                ratios: list[tuple[float, float]] = []
                for turn in range(PAIRS):
                    first = turn % 2 == 0
                    pair = {chained: run(folder, chained, commit_rows) for chained in (first, not first)}
                    ratios.append((pair[False][0] / pair[True][0], pair[False][1] / pair[True][1]))
            used, clock = (median(values) for values in zip(*ratios, strict=True))
            print(f"{rows:>8} {commits:<10}{used:>22.3f} processor{clock:>8.3f} clock", flush=True)


if __name__ == "__main__":
    main()

"""Runs of a landscape: begun, found again, listed.

The few writes that come before a run has a recorder, and the look-ups by public name. Not here: what happens in a run.
"""

import uuid
from collections.abc import Mapping
from typing import Final, NamedTuple

from fateline_engine.errors import LandscapeError, ResumeRefused
from fateline_engine.graph import ExecutionGraph
from fateline_engine.landscape import chain
from fateline_engine.landscape.store import Landscape
from fateline_engine.words import RunStatus

_RUNS: Final = "SELECT run, id, pipeline, digest, status FROM runs"


class RunRow(NamedTuple):
    """One run, as the landscape has it."""

    run: int
    id: str
    pipeline: str
    digest: str
    status: RunStatus


def begin_run(
    landscape: Landscape, graph: ExecutionGraph, run_id: str | None, at: int, positions: Mapping[str, int] = {}
) -> int:
    """Write a new run with its nodes and edges, and give its number.

    `positions`: where each sink stands before anything is written. They are written with the run: without a position a sink
    could not be cut back after a crash.
    """
    texts = graph.texts
    name = run_id or uuid.uuid4().hex
    if landscape.conn.execute("SELECT 1 FROM runs WHERE id = ?", (name,)).fetchone():
        raise LandscapeError(f"{landscape.path}: the run {name} exists already; resume it, or choose another name")
    with landscape.transaction():
        (run,) = landscape.conn.execute("SELECT coalesce(max(run), 0) + 1 FROM runs").fetchone()
        landscape.conn.execute(
            "INSERT INTO runs VALUES (?, ?, ?, ?, ?, 'running', NULL, 1, 1, ?, 1, 1, ?)",
            (run, name, graph.pipeline.name, texts.canonical, texts.digest, at, at),
        )
        numbers = {node: number for number, node in enumerate(graph.declared)}
        landscape.conn.executemany(
            "INSERT INTO nodes VALUES (?, ?, ?, ?, ?)",
            [(run, number, node, graph.node(node).kind, texts.configs[node]) for node, number in numbers.items()],
        )
        landscape.conn.executemany(
            "INSERT INTO edges VALUES (?, ?, ?, ?, ?)",
            [(run, number, numbers[e.src], e.label, numbers[e.dst]) for number, e in enumerate(graph.edges)],
        )
        landscape.conn.executemany(
            "INSERT INTO positions VALUES (?, ?, ?)",
            [(run, numbers[sink], str(position)) for sink, position in positions.items()],
        )
        chain.begin(landscape.conn, run)
    return int(run)


def list_runs(landscape: Landscape) -> list[RunRow]:
    """All runs, oldest first."""
    return [_row(record) for record in landscape.conn.execute(f"{_RUNS} ORDER BY run")]


def _row(record: tuple[int, str, str, str, str]) -> RunRow:
    if record[4] not in set(RunStatus):
        raise LandscapeError(f"run {record[1]} has the status {record[4]!r}, which there is not; the file was altered")
    return RunRow(*record[:4], RunStatus(record[4]))


def find_run(landscape: Landscape, run_id: str | None = None) -> RunRow:
    """The run of this public name; without one, the only run that is not over."""
    if run_id is not None:
        record = landscape.conn.execute(f"{_RUNS} WHERE id = ?", (run_id,)).fetchone()
        if record is not None:
            return _row(record)
    runs = list_runs(landscape)
    if run_id is None:
        runs = [run for run in runs if run.status is not RunStatus.COMPLETED]
        if len(runs) != 1:
            known = ", ".join(run.id for run in runs) or "none"
            raise ResumeRefused(f"{landscape.path}: name the run to resume; these are not over: {known}")
        return runs[0]
    raise ResumeRefused(f"{landscape.path}: no run {run_id}; there are {', '.join(run.id for run in runs) or 'none'}")

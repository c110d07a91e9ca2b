"""The files of a run of the reference engine, as a killed process has left them.

A pipeline file has its landscape beside it; its sinks are found by their paths. Nothing is bound, so no plugin is imported
here. Not here: the process that wrote them (`faulty_process.py`), and what is concluded from them.
"""

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Final

from fateline_engine.landscape import Landscape
from fateline_engine.settings import SinkNode, load_pipeline


def database_of(file: Path) -> Path:
    return file.with_suffix(".db")


def mend(file: Path) -> bool:
    """True if there is a landscape. If the process was killed while making one, SQLite rolls it back here."""
    if not database_of(file).exists():
        return False
    with closing(sqlite3.connect(database_of(file))) as conn:
        return bool(conn.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])


def sinks_of(file: Path) -> dict[str, Path]:
    """The files of the pipeline's sinks."""
    sinks = [node for node in load_pipeline(file).nodes if isinstance(node, SinkNode)]
    return {node.name: file.parent / str(node.options["path"]) for node in sinks}


def outputs(file: Path) -> dict[str, object]:
    """What each sink of the pipeline holds: bytes, or the rows of a database."""
    return {name: _content(path) for name, path in sinks_of(file).items()}


def _content(path: Path) -> object:
    if not path.exists():
        return None
    if path.suffix != ".db":
        return path.read_bytes()
    with closing(sqlite3.connect(path)) as conn:
        return tuple(conn.iterdump())


TRAIL: Final = {
    "rows": "row, source, idx, valid, error, digest, data",
    "tokens": "row, token, branch, group_kind, parent, batch_node, batch, fork, frame, edge, digest, data",
    "parents": "row, child, parent, parent_row, ordinal",
    "visits": "row, token, node, status, verdict, edge, error, digest_in, digest_out, data",
    "fates": "row, token, outcome, sink, error, reason, batch_node, batch, merged, promised, first, last",
    "barriers": "node, row, fork, verdict, reason, trigger, arrived, lost, result",
    "losses": "node, row, fork, branch, token, reason",
    "merges": "row, token, origins",
    "batches": "node, batch, status, trigger, outputs",
    "members": "node, batch, ordinal, row, token",
    "positions": "node, position",
}
"""What a crash must not change: everything but order, time, and visits that were cut off and tried again."""


def trail(file: Path) -> dict[str, list[tuple[object, ...]]]:
    """The records of the last run, in an order that does not depend on when they were written."""
    with Landscape.read(database_of(file)) as landscape:
        last = "SELECT max(run) FROM runs"
        return {
            table: landscape.conn.execute(
                f"SELECT {columns} FROM {table} WHERE run = ({last})"
                f"{' AND status <> ' + repr('interrupted') if table == 'visits' else ''} ORDER BY {columns}"
            ).fetchall()
            for table, columns in TRAIL.items()
        }


def effects(file: Path) -> Counter[str]:
    """How many tokens each sink was given, by the trail."""
    with Landscape.read(database_of(file)) as landscape:
        query = "SELECT n.name, count(*) FROM fates AS f JOIN nodes AS n ON n.run = f.run AND n.node = f.sink GROUP BY n.name"
        return Counter(dict(landscape.conn.execute(query).fetchall()))


def confirmed_and_gone(file: Path) -> list[str]:
    """Sinks that hold less than was committed, each with what it lacks."""
    sinks = sinks_of(file)
    query = "SELECT n.name, p.position FROM positions AS p JOIN nodes AS n USING (run, node)"
    with Landscape.read(database_of(file)) as landscape:
        confirmed = landscape.conn.execute(query).fetchall()
    lacking = []
    for name, position in confirmed:
        there = _held(sinks[name])
        if there < int(position):
            lacking.append(f"{name} holds {there}, but {position} were confirmed")
    return lacking


def _held(path: Path) -> int:
    if not path.exists():
        return 0
    if path.suffix != ".db":
        return path.stat().st_size
    with closing(sqlite3.connect(path)) as conn:
        tables = [name for (name,) in conn.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return sum(conn.execute(f'SELECT coalesce(max(rowid), 0) FROM "{name}"').fetchone()[0] for name in tables)

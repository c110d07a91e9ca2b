"""Reads a trail: JSON lines, or the database of the reference engine through its views. No record is trusted.

Every line is bounded, and every record is validated. The result is one `RunTrail` for each run, with the records by
row, so that each row can be checked by itself. Not here: what the records mean.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ..ports.port import EngineFault, RecordJson
from ..ports.validate import check_records

LINE: Final = 1_048_576
"""The largest number of bytes in a line."""
SQLITE: Final = b"SQLite format 3\0"


class BadTrail(ValueError):
    """A file is not a trail; the message says what is wrong and where."""


@dataclass
class RunTrail:
    """One run: the records about the run itself, the records of each row, and the orphans, which belong to no row."""

    run: str
    about: dict[str, list[RecordJson]] = field(default_factory=dict)
    rows: dict[str, list[RecordJson]] = field(default_factory=dict)
    batches: dict[str, RecordJson] = field(default_factory=dict)
    orphans: list[RecordJson] = field(default_factory=list)
    records: int = 0


def read_trail(path: Path) -> list[RunTrail]:
    """The runs of a trail file."""
    try:
        with path.open("rb") as file:
            start = file.read(len(SQLITE))
    except OSError as error:
        raise BadTrail(f"{path}: {error.strerror}") from error
    return runs_of(_from_database(path) if start == SQLITE else lines_of(path))


def lines_of(path: Path) -> Iterator[RecordJson]:
    """The records of a file of JSON lines, each validated."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(LINE + 1):
            number += 1
            if len(line) > LINE:
                raise BadTrail(f"{path}:{number}: the line has more than {LINE:,} bytes")
            if line.strip():
                yield _record(f"{path}:{number}", line)


def _record(where: str, line: bytes) -> RecordJson:
    try:
        record: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadTrail(f"{where}: not JSON: {error}") from error
    try:
        check_records(where, [record])
    except EngineFault as fault:
        raise BadTrail(str(fault)) from None
    for column in ("seq", "tx", "at", "opened", "closed", "idx", "ordinal", "attempt"):
        if column in record and not isinstance(record[column], int | None):
            raise BadTrail(f"{where}: {column} is {record[column]!r}; give a whole number")
    if not isinstance(record.get("run"), str):
        raise BadTrail(f"{where}: run is {record.get('run')!r}; give the id of a run")
    found: RecordJson = record
    return found


def _from_database(path: Path) -> Iterator[RecordJson]:
    from fateline_engine.errors import LandscapeError
    from fateline_engine.landscape import Landscape
    from fateline_engine.landscape.export import records
    from fateline_engine.landscape.runs import list_runs

    try:
        with Landscape.read(path) as landscape:
            for run in list_runs(landscape):
                yield from records(landscape, run.id)
    except LandscapeError as error:
        raise BadTrail(str(error)) from error


def runs_of(records: Iterable[RecordJson]) -> list[RunTrail]:
    """The records of each run, by row. The record of a token gives its row; other records may come before it."""
    found: dict[str, RunTrail] = {}
    waiting: dict[str, list[RecordJson]] = {}
    for record in records:
        run = str(record["run"])
        trail = found.setdefault(run, RunTrail(run))
        trail.records += 1
        relation = str(record["rec"])
        if relation in ("runs", "nodes", "edges"):
            trail.about.setdefault(relation, []).append(record)
        elif relation == "batches":
            trail.batches[str(record.get("batch"))] = record
        elif relation in ("rows", "tokens"):
            trail.rows.setdefault(str(record.get("row")), []).append(record)
        else:
            waiting.setdefault(run, []).append(record)
    for run, trail in found.items():
        _by_row(trail, waiting.get(run, []))
    return list(found.values())


TOKEN_OF: Final = {
    "parents": "child",
    "visits": "token",
    "hops": "token",
    "outcomes": "token",
    "barriers": "fork_group",
    "losses": "token",
    "merges": "token",
    "members": "token",
}


def _by_row(trail: RunTrail, records: Iterable[RecordJson]) -> None:
    rows = {
        str(token.get("token")): row for row, own in trail.rows.items() for token in own if token["rec"] == "tokens"
    }
    for record in records:
        row = rows.get(str(record.get(TOKEN_OF[str(record["rec"])])))
        if row is None:
            trail.orphans.append(record)
        else:
            trail.rows[row].append(record)


def partitions(trail: RunTrail) -> Iterator[tuple[list[str], list[RecordJson]]]:
    """The partitions: each row by itself, and rows that met in a batch together. Gives the names and all the records of
    each."""
    leader: dict[str, str] = {row: row for row in trail.rows}

    def find(row: str) -> str:
        while leader[row] != row:
            leader[row] = leader[leader[row]]
            row = leader[row]
        return row

    first: dict[str, str] = {}
    for row, records in trail.rows.items():
        for record in records:
            if record["rec"] == "members":
                other = first.setdefault(str(record.get("batch")), row)
                leader[find(row)] = find(other)
    together: dict[str, list[str]] = {}
    for row in trail.rows:
        together.setdefault(find(row), []).append(row)
    of_batch: dict[str, list[RecordJson]] = {find(row): [] for row in first.values()}
    for batch, row in first.items():
        if batch in trail.batches:
            of_batch[find(row)].append(trail.batches[batch])
    for head, rows in together.items():
        yield rows, [record for row in rows for record in trail.rows[row]] + of_batch.get(head, [])

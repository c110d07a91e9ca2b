"""A landscape for people and other tools: an overview of what is in it, and its trail as CSV files or plain tables.

`export.py` writes JSON lines for judges. This module is for spreadsheets and SQL: `overview` counts, `write_csv` writes a
file for each relation, `write_tables` a new database with a table for each relation. The tables have no keys and no guards.

sqlite-utils does this work, and is imported here only: a run never loads it. Not here: writing into a landscape.
"""

from collections.abc import Iterator
from csv import writer
from pathlib import Path
from typing import Any, Final, NamedTuple

import sqlite_utils

from fateline_engine.landscape.export import RELATIONS
from fateline_engine.landscape.store import Landscape

_CHUNK: Final = 500
_WHOLE: Final = (
    "at", "attempt", "closed", "decided_at", "first_at", "idx", "kept", "opened", "ordinal", "outputs", "seq", "tx",
)  # fmt: skip
"""The columns that hold whole numbers; all others hold text, but for `rows` of the relation `runs`."""


class Relation(NamedTuple):
    """One relation of the trail: its records of one run, and its columns."""

    name: str
    records: int
    columns: tuple[str, ...]


def database(landscape: Landscape) -> sqlite_utils.Database:
    """The landscape as sqlite-utils sees it: `database(landscape)["tokens"].rows`, `.schema`, `.count`, and so on."""
    return sqlite_utils.Database(landscape.bare)


def overview(landscape: Landscape, run_id: str) -> list[Relation]:
    """Every relation of the trail, with the number of its records in this run."""
    views = database(landscape)
    return [
        Relation(relation, view.count_where("run = ?", [run_id]), tuple(column.name for column in view.columns))
        for relation in RELATIONS
        for view in [views.view(f"trail_{relation}")]
    ]


def write_csv(landscape: Landscape, run_id: str, folder: Path) -> list[Path]:
    """Write `<relation>.csv` into the folder for each relation. A value that is absent is an empty field."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for relation in overview(landscape, run_id):
        file = folder / f"{relation.name}.csv"
        with file.open("w", encoding="utf-8", newline="") as stream:
            lines = writer(stream, lineterminator="\n")
            lines.writerow(relation.columns)
            lines.writerows(record.values() for record in _records(landscape, relation.name, run_id))
        files.append(file)
    return files


def write_tables(landscape: Landscape, run_id: str, file: Path) -> None:
    """Make a new database with a table for each relation; `FileExistsError` if the file exists."""
    if file.exists():
        raise FileExistsError(f"{file} exists; choose a new file")
    made = sqlite_utils.Database(file)
    try:
        for relation in overview(landscape, run_id):
            table = made.table(relation.name)
            table.create({column: _type(relation.name, column) for column in relation.columns})
            table.insert_all(_records(landscape, relation.name, run_id), batch_size=_CHUNK)
    finally:
        made.close()


def _type(relation: str, column: str) -> type:
    return int if column in _WHOLE or (relation, column) == ("runs", "rows") else str


def _records(landscape: Landscape, relation: str, run_id: str) -> Iterator[dict[str, Any]]:
    """The records of a relation in their order, in the order of their columns."""
    order = None if relation in ("nodes", "edges") else "seq"
    view = database(landscape).view(f"trail_{relation}")
    yield from view.rows_where("run = ?", [run_id], order_by=order)

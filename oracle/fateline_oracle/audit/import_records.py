"""Copies a trail into a temporary database of our own, in which it can be checked one range of rows at a time.

Used for JSON lines, and for views without the column `part`. The copy has one table for each relation, with the columns
that were recorded, and `part`: rows are numbered in the order in which they first appear. Not here: checking.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from fateline_model import Pipeline
from fateline_model.records import RELATIONS
from fateline_model.words import NodeKind

from ..trails.reader import BadTrail, lines_of
from .adapters import ORPHANS, Adapter
from .connect import BadSource, TookTooLong, bounded, made_once, storable
from .evidence import optional_column
from .source import COLUMNS, OF_ROWS, Source, read_as

_SETTINGS: Final = {
    NodeKind.SOURCE: (),
    NodeKind.GATE: (),
    NodeKind.TRANSFORM: ("attempts", "expands"),
    NodeKind.SINK: ("attempts",),
    NodeKind.COALESCE: (
        "branches", "policy", "quorum_count", "timeout_seconds", "merge", "select_branch", "collisions",
    ),
    NodeKind.AGGREGATION: ("mode", "count", "timeout_seconds", "condition"),
}  # fmt: skip
"""The settings of a node that its record has."""
_AT_ONCE: Final = 10_000
_REPLACED: Final = {"runs": "run", "visits": "run, visit", "batches": "run, batch"}
"""Relations that are rewritten when they change: the last record counts. A run keeps values that its last record leaves out."""
_TOKEN: Final = {name: "child" if name == "parents" else "token" for name in OF_ROWS}


def graph_records(pipeline: Pipeline, run: str) -> Iterator[dict[str, object]]:
    """The nodes and edges of a pipeline as records, for a trail that does not record them."""
    for node in pipeline.nodes.values():
        config = {name: value for name in _SETTINGS[node.kind] if (value := getattr(node, name)) not in (None, ())}
        yield {"rec": "nodes", "run": run, "node": node.name, "kind": str(node.kind), "config": json.dumps(config)}
    for (src, label), dst in pipeline.edges.items():
        yield {"rec": "edges", "run": run, "src": src, "label": label, "dst": dst}


def copy_lines(path: Path, into: Path) -> Adapter:
    """Copy a file of JSON lines. Returns the adapter of the copy."""
    try:
        return copy_records(lines_of(path), into, str(path))
    except BadTrail as error:
        raise BadSource(str(error)) from None


def copy_records(
    records: Iterable[Mapping[str, object]], into: Path, name: str = "records", *, whole: bool = False
) -> Adapter:
    """Copy records. Returns the adapter of the copy."""
    seen: dict[str, set[str]] = {relation: set() for relation in RELATIONS}
    seen["tokens"].add("token")  # a run of no rows has none; that there are none is then what it says
    waiting: dict[str, list[list[object]]] = {relation: [] for relation in RELATIONS}
    conn = _made(into)
    for record in records:
        relation = str(record["rec"])
        seen[relation].update(column for column, value in record.items() if value is not None)
        waiting[relation].append([storable(record.get(column)) for column in COLUMNS[relation]])
        if len(waiting[relation]) >= _AT_ONCE:
            _put(conn, relation, waiting[relation])
    for relation, rows in waiting.items():
        _put(conn, relation, rows)
    _settle(conn)
    if not seen["runs"]:
        raise BadSource(f"{name}: there is no record of relation `runs`; a trail must have one")
    offered = {
        relation: [
            column
            for column in COLUMNS[relation]
            if whole or column in columns or not optional_column(relation, column)
        ]
        for relation, columns in seen.items()
        if whole or columns
    }
    return Adapter(name, _views(offered), whole=whole)


def copy_source(source: Source, into: Path, patience: float) -> Adapter:
    """Copy what the views of a source show, each in at most `patience` seconds. Returns the adapter of the copy."""
    if source.slow:
        raise BadSource(f"{source.adapter.name}: {next(iter(source.slow.values()))}")
    conn = _made(into)
    for relation in source.columns:
        try:
            with bounded(source.conn, patience):
                _copy_relation(source, relation, conn)
        except TookTooLong:
            raise BadSource(
                f"{source.adapter.name}: the view trail_{relation} took longer than {patience:g} s; --patience allows more"
            ) from None
    _settle(conn)
    return replace(source.adapter, views=_views(source.columns), wants=(), steps={})


def _copy_relation(source: Source, relation: str, conn: sqlite3.Connection) -> None:
    kept = [column for column in source.columns[relation] if column != "part"]
    names = ", ".join(f'"{column}"' for column in kept)
    read = ", ".join(read_as(f'"{column}"') for column in kept)
    rows = source.ask(f"SELECT {read} FROM given_{relation}")
    marks = ", ".join("?" for _ in kept)
    conn.executemany(f"INSERT INTO copied_{relation} ({names}) VALUES ({marks})", rows)


def _views(offered: Mapping[str, Sequence[str]]) -> dict[str, str]:
    views = {}
    for relation, columns in offered.items():
        kept = [f'"{column}"' for column in columns if column != "part"]
        views[relation] = (
            f"SELECT {', '.join([*kept, 'part'] if relation in OF_ROWS else kept)} FROM main.copied_{relation}"
        )
    of_no_run = (f"SELECT run, '{name}' AS rec FROM main.copied_{name} WHERE run NOT IN (SELECT run FROM main.copied_runs)"
                 for name in RELATIONS)  # fmt: skip
    return {**views, ORPHANS: " UNION ALL ".join(of_no_run)}


def _made(into: Path) -> sqlite3.Connection:
    conn = made_once(into)
    for relation, columns in COLUMNS.items():
        names = [f'"{column}"' for column in columns]
        conn.execute(
            f"CREATE TABLE copied_{relation} ({', '.join([*names, 'part'] if relation in OF_ROWS else names)})"
        )
    return conn


def _put(conn: sqlite3.Connection, relation: str, rows: list[list[object]]) -> None:
    names = ", ".join(f'"{column}"' for column in COLUMNS[relation])
    marks = ", ".join("?" for _ in COLUMNS[relation])
    conn.executemany(f"INSERT INTO copied_{relation} ({names}) VALUES ({marks})", rows)
    rows.clear()


def _settle(conn: sqlite3.Connection) -> None:
    """Remove the records that later ones replace, number the rows, and give each record the number of its row."""
    for column in COLUMNS["runs"][1:]:
        conn.execute(
            f'UPDATE copied_runs SET "{column}" = (SELECT later."{column}" FROM copied_runs AS later '
            f'WHERE later.run = copied_runs.run AND later."{column}" IS NOT NULL ORDER BY later.rowid DESC LIMIT 1)'
        )
    for relation, key in _REPLACED.items():
        conn.execute(
            f"DELETE FROM copied_{relation} WHERE rowid NOT IN (SELECT max(rowid) FROM copied_{relation} GROUP BY {key})"
        )
    conn.execute(
        'CREATE TABLE parts AS SELECT run, "row", row_number() OVER (ORDER BY min(place), "row") AS part FROM ('
        'SELECT run, "row", rowid AS place FROM copied_rows '
        'UNION ALL SELECT run, "row", rowid FROM copied_tokens) GROUP BY run, "row"'
    )
    conn.execute('CREATE INDEX parts_row ON parts (run, "row")')
    for relation in ("rows", "tokens"):
        conn.execute(
            f"UPDATE copied_{relation} SET part = (SELECT part FROM parts WHERE parts.run = copied_{relation}.run "
            f'AND parts."row" IS copied_{relation}."row")'
        )
    conn.execute("CREATE INDEX copied_tokens_token ON copied_tokens (run, token)")
    for relation, token in _TOKEN.items():
        if relation not in ("rows", "tokens", "barriers"):
            _number(conn, relation, f"t.token = copied_{relation}.{token}")
    conn.execute('CREATE INDEX copied_tokens_group ON copied_tokens (run, "group")')
    _number(conn, "barriers", 't."group" = copied_barriers.fork_group')
    conn.execute(
        "UPDATE copied_barriers SET part = (SELECT t.part FROM copied_tokens AS t WHERE t.run = copied_barriers.run "
        "AND t.token = copied_barriers.result) WHERE part IS NULL"
    )
    for relation in OF_ROWS:
        conn.execute(f"CREATE INDEX copied_{relation}_part ON copied_{relation} (run, part)")
    conn.execute("COMMIT")
    conn.close()


def _number(conn: sqlite3.Connection, relation: str, joined: str) -> None:
    conn.execute(
        f"UPDATE copied_{relation} SET part = (SELECT t.part FROM copied_tokens AS t "
        f"WHERE t.run = copied_{relation}.run AND {joined} LIMIT 1)"
    )

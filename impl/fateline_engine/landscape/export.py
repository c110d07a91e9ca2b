"""A run as JSON lines: one object for each record, `{"rec": "<relation>", …}`, in the order in which things happened.

The relations of `views.sql` are merged by `seq`. First come the run as it began and what has no `seq` (nodes, edges). An
absent column is left out: "not recorded" is not the same as null. Not here: the data of rows; a trail has their digests.
"""

import json
from collections.abc import Iterator, Mapping
from heapq import merge
from typing import Any, Final

from fateline_engine.landscape.store import Landscape

RELATIONS: Final = (
    "runs", "nodes", "edges", "rows", "tokens", "parents", "visits", "hops", "outcomes", "barriers", "losses",
    "merges", "batches", "members",
)  # fmt: skip
"""Every relation of the trail; `trail_<relation>` is its view."""

_UNORDERED: Final = ("nodes", "edges")
_BOOLEAN: Final = frozenset({"kept"})


def records(landscape: Landscape, run_id: str, *, after: int = 0) -> Iterator[dict[str, Any]]:
    """The records of a run whose `seq` is above `after`, in that order; `after` 0 gives all there are."""
    if after == 0:
        for run in _read(landscape, "runs", "run = ?", (run_id,)):
            yield {"rec": "runs", "run": run_id, "pipeline": run["pipeline"], "status": "running"}
        for relation in _UNORDERED:
            yield from _read(landscape, relation, "run = ?", (run_id,))
    ordered = [
        _read(landscape, relation, "run = ? AND seq > ? ORDER BY seq", (run_id, after))
        for relation in RELATIONS
        if relation not in _UNORDERED
    ]
    yield from merge(*ordered, key=lambda record: (record["seq"], RELATIONS.index(record["rec"])))


def _read(landscape: Landscape, relation: str, where: str, values: tuple[object, ...]) -> Iterator[dict[str, Any]]:
    cursor = landscape.conn.execute(f"SELECT * FROM trail_{relation} WHERE {where}", values)
    names = [column[0] for column in cursor.description]
    for values_of in cursor:
        yield {"rec": relation, **_present(zip(names, values_of, strict=True))}


def _present(columns: Iterator[tuple[str, Any]]) -> Mapping[str, Any]:
    return {name: bool(value) if name in _BOOLEAN else value for name, value in columns if value is not None}


def lines(landscape: Landscape, run_id: str) -> Iterator[str]:
    """The same as text, a record a line."""
    for record in records(landscape, run_id):
        yield json.dumps(record, ensure_ascii=False, separators=(",", ":"))

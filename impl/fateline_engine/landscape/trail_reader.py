"""`TrailReader`: the records of a run, read from the views of the trail with one query.

`export.py` reads the views one by one, and streams. Whoever reads after every step asks the same question very often, and
fourteen queries cost more than the step itself; so all views are asked in one statement. Not here: what the records mean.
"""

import sqlite3
from typing import Any, Final

from fateline_engine.landscape.export import RELATIONS

_UNORDERED: Final = ("nodes", "edges")
_BOOLEANS: Final = {"merges": "kept"}


class TrailReader:
    """Reads the trails in one landscape, run by run."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn
        self._columns = {relation: self._columns_of(relation) for relation in RELATIONS}
        self._steps = self._query([relation for relation in RELATIONS if relation not in _UNORDERED], "seq > ?2")
        self._order = {relation: place for place, relation in enumerate(RELATIONS)}

    def _columns_of(self, relation: str) -> tuple[str, ...]:
        return tuple(column[0] for column in self._conn.execute(f"SELECT * FROM trail_{relation} LIMIT 0").description)

    def _query(self, relations: list[str], where: str) -> str:
        width = max(len(self._columns[relation]) for relation in relations)
        parts = []
        for relation in relations:
            columns = [f'"{column}"' for column in self._columns[relation]]
            columns += ["NULL"] * (width - len(columns))
            parts.append(f"SELECT '{relation}', {', '.join(columns)} FROM trail_{relation} WHERE run = ?1 AND {where}")
        return " UNION ALL ".join(parts)

    def after(self, run: str, seq: int) -> list[dict[str, Any]]:
        """The records of a run that have a `seq` above this one, in their order."""
        found = [self._record(row) for row in self._conn.execute(self._steps, (run, seq))]
        found.sort(key=lambda record: (record["seq"], self._order[record["rec"]]))
        return found

    def _record(self, row: tuple[Any, ...]) -> dict[str, Any]:
        relation = row[0]
        named = zip(self._columns[relation], row[1:], strict=False)
        record = {"rec": relation, **{column: value for column, value in named if value is not None}}
        if relation in _BOOLEANS and _BOOLEANS[relation] in record:
            record[_BOOLEANS[relation]] = bool(record[_BOOLEANS[relation]])
        return record

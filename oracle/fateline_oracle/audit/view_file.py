"""Helps somebody who writes a file of views: what it gives, which laws each missing column leaves open, what looks misread;
and a skeleton of such a file for a database.

An example: a view of visits without `attempt` leaves V5 and parts of V2 open. A column `seq` in which a third of all values
are equal is no order. Not here: reading the file (`adapters.py`), and the questions (`queries.py`).
"""

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from fateline_console.terminal import harmless
from fateline_model.records import RELATIONS
from fateline_model.words import BarrierVerdict, BatchStatus, GroupKind, NodeKind, Outcome, RunStatus, VisitStatus

from .connect import quoted
from .evidence import given, optional_column, recorded_as
from .queries import queries
from .source import COLUMNS, Source

WORDS: Final[Mapping[str, frozenset[str]]] = {
    "runs.status": frozenset(RunStatus),
    "nodes.kind": frozenset(NodeKind),
    "tokens.group_kind": frozenset(GroupKind),
    "visits.status": frozenset(VisitStatus),
    "outcomes.outcome": frozenset(Outcome),
    "barriers.verdict": frozenset(BarrierVerdict),
    "batches.status": frozenset(BatchStatus),
}
"""Columns that hold a word of a closed list."""
FEW: Final = 5
TIED: Final = 0.1
"""The share of equal values from which on an order is doubted."""


@dataclass(frozen=True)
class Missing:
    """Something that a view file does not give, and the laws that it leaves open, wholly or in part."""

    need: str
    wholly: tuple[str, ...]
    partly: tuple[str, ...]


def missing_of(columns: Mapping[str, tuple[str, ...]]) -> list[Missing]:
    """What is not given, the one that leaves most laws open first."""
    asked: dict[str, int] = {}
    lacks: dict[str, dict[str, int]] = {}
    for query in queries():
        asked[query.law] = asked.get(query.law, 0) + 1
        relations = {need for need in query.needs if "." not in need and not given(need, columns)}
        for need in query.needs:
            if not given(need, columns) and (need in relations or need.partition(".")[0] not in relations):
                laws = lacks.setdefault(recorded_as(need), {})
                laws[query.law] = laws.get(query.law, 0) + 1
    found = [
        Missing(
            need,
            tuple(law for law, count in laws.items() if count == asked[law]),
            tuple(law for law, count in laws.items() if count < asked[law]),
        )
        for need, laws in lacks.items()
    ]
    return sorted(found, key=lambda one: (-len(one.wholly), -len(one.partly), one.need))


def misread(source: Source) -> Iterator[str]:
    """What looks misread in the records that the views give, a sentence each."""
    for column, words in WORDS.items():
        relation, _, name = column.partition(".")
        if name in source.columns.get(relation, ()):
            sql = f'SELECT DISTINCT "{name}" FROM given_{relation} WHERE "{name}" IS NOT NULL LIMIT 1000'
            strange = sorted({harmless(str(value)) for (value,) in source.conn.execute(sql)} - words)
            if strange:
                some = ", ".join(strange[:FEW]) + (", ..." if len(strange) > FEW else "")
                yield f"trail_{relation}.{name} has words that the law does not know: {some}. Known: {', '.join(sorted(words))}"
    for relation, key in (("visits", "opened"), ("outcomes", "seq"), ("hops", "seq"), ("tokens", "seq")):
        if key in source.columns.get(relation, ()):
            yield from _order(source, relation, key)
    if "rows" in source.columns and not source.conn.execute("SELECT 1 FROM given_rows LIMIT 1").fetchone():
        yield "trail_rows gives no row"


def _order(source: Source, relation: str, key: str) -> Iterator[str]:
    count, some, different = source.conn.execute(
        f'SELECT count(*), count("{key}"), count(DISTINCT "{key}") FROM given_{relation}'
    ).fetchone()
    kinds = [kind for (kind,) in source.conn.execute(f'SELECT DISTINCT typeof("{key}") FROM given_{relation}')]
    if some and set(kinds) - {"integer", "null"}:
        yield f"trail_{relation}.{key} is {' and '.join(sorted(kinds))}; an order is in whole numbers"
    elif some and some - different > TIED * some and not source.adapter.order:
        yield (
            f"trail_{relation}.{key} is no order: {some - different:,} of {some:,} values are equal to another one. "
            "Leave the column out if the order is not known"
        )
    elif count and not some:
        yield f"trail_{relation}.{key} has no value in {count:,} records"


def skeleton(conn: sqlite3.Connection, name: str) -> Iterator[str]:
    """The lines of a file of views for a database: a view for each relation, with the tables that there are beside it."""
    found = conn.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table' ORDER BY name LIMIT 200")
    tables = [str(table) for (table,) in found]
    yield f"-- Adapter: {harmless(name)}"
    yield "-- Write what each view selects, and remove the views of what is not recorded."
    yield "-- The tables of the database:"
    for table in tables:
        columns = [str(row[1]) for row in conn.execute(f"PRAGMA main.table_xinfo({quoted(table)})")]
        yield f"--   {harmless(table)}({', '.join(map(harmless, columns))})"
    for relation in RELATIONS:
        yield ""
        yield f"CREATE VIEW trail_{relation} AS"
        yield "SELECT"
        wanted = [column for column in COLUMNS[relation] if column not in ("tx", "at")]
        for column in wanted:
            comma = "," if column != wanted[-1] else ""
            may = "" if not optional_column(relation, column) else "  -- may be left out"
            yield f'    NULL AS "{column}"{comma}{may}'
        yield "WHERE false;  -- FROM your table"

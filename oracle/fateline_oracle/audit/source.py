"""Reads a database through its adapter: its runs, its recorded relations and columns, and the records of a range of rows.

The relations are temporary views named `given_<relation>`, so that tables of the database may have any name. Not here:
checking (`row_range.py`).
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple

from fateline_console.terminal import harmless
from fateline_model.records import COMMON_COLUMNS, RELATIONS

from .adapters import ORPHANS, REQUIRED, Adapter
from .connect import BadSource, TookTooLong, bounded, opened
from .evidence import optional_column

COLUMNS: Final = {name: (*kind._fields, *COMMON_COLUMNS) for name, kind in RELATIONS.items()}
"""The columns of every relation, in order."""
WHOLE: Final = ("runs", "nodes", "edges", "batches")
"""The relations that belong to no row."""
OF_ROWS: Final = tuple(name for name in RELATIONS if name not in WHOLE)

NAMES: Final = frozenset({
    "row", "token", "child", "parent", "result", "visit", "from_visit", "group", "fork_group", "barrier", "batch", "node",
    "source", "src", "label", "dst", "branch", "sink",
})  # fmt: skip
"""The columns that name something. They are compared as text, also if a database has numbers."""
PATIENCE: Final = 600.0
"""The seconds that one statement may take, if nothing else is said."""
MOST_ORPHANS: Final = 1_000
LARGEST: Final = 2**63 - 1
SPARSE: Final = 100
"""The average distance between the numbers of rows from which on they are looked up."""


class Range(NamedTuple):
    """Rows of one run, with `part` from the first to the last; None means no bound. `orphans` are records that belong
    to no row."""

    run: str
    first: int | None
    last: int | None
    orphans: bool = False

    def where(self) -> tuple[str, tuple[object, ...]]:
        if self.orphans:
            return "run = ? AND part IS NULL", (self.run,)
        bounds = [("part >= ?", self.first), ("part <= ?", self.last)]
        given = [(text, value) for text, value in bounds if value is not None]
        return " AND ".join(["run = ?", *(text for text, _ in given)]), (self.run, *(value for _, value in given))


@dataclass(frozen=True)
class Source:
    """A database, open for reading."""

    conn: sqlite3.Connection
    adapter: Adapter
    columns: dict[str, tuple[str, ...]]
    """What is recorded: the relations that have a view, and their columns."""
    slow: Mapping[str, str]
    """The relations whose view gave nothing in time, and a sentence about each. They count as not recorded."""

    NAMES_GIVEN: ClassVar[str] = "SELECT value FROM json_each(?)"
    """A query for the names of a list in JSON."""

    @property
    def in_place(self) -> bool:
        return all("part" in self.columns[name] for name in OF_ROWS if name in self.columns)

    def ask(self, sql: str, values: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows of a query about `given_<relation>`, where the trail lies."""
        return self.conn.execute(sql, values)

    def fetch(self, piece: Range) -> None:
        """Make the records of a range readable through `conn`. In a database of SQLite they are."""

    def _one(self, sql: str, values: Sequence[object] = ()) -> tuple[Any, ...] | None:
        return next(iter(self.ask(sql, values)), None)

    def _count(self, sql: str, values: Sequence[object] = ()) -> int:
        found = self._one(sql, values)
        return int(found[0]) if found is not None else 0

    def runs(self) -> list[str]:
        return [str(run) for (run,) in self.ask("SELECT DISTINCT run FROM given_runs ORDER BY 1")]

    def run_states(self) -> Iterator[tuple[str, str | None, int | None]]:
        """Each run, its status, and how many rows its source gave, as far as that is recorded."""
        status, rows = self._column("runs", "status"), self._column("runs", "rows")
        for run, word, given in self.ask(f"SELECT run, {status}, {rows} FROM given_runs"):
            yield str(run), None if word is None else str(word), given if isinstance(given, int) else None

    def _column(self, relation: str, column: str) -> str:
        return f'"{column}"' if column in self.columns[relation] else "NULL"

    def recorded(self) -> dict[str, bool]:
        """Of each relation, whether there is any record of it."""
        return {relation: self._one(f"SELECT 1 FROM given_{relation} LIMIT 1") is not None for relation in self.columns}

    def without_run(self) -> dict[str, int]:
        """How many records of each relation say of no run that they belong to it. They are in no range, so nothing is asked of
        them."""
        if self.adapter.whole:
            return {}
        found = {
            relation: self._count(f"SELECT count(*) FROM given_{relation} WHERE run IS NULL")
            for relation in self.columns
        }
        return {relation: count for relation, count in found.items() if count}

    def orphans(self) -> list[tuple[str, str]]:
        """Records of runs that do not exist: the run and the relation of each."""
        if ORPHANS not in self.adapter.views:
            if self.adapter.whole:
                return []
            unknown = " UNION ALL ".join(
                f"SELECT run, '{relation}' AS rec FROM given_{relation} WHERE run NOT IN (SELECT run FROM given_runs)"
                for relation in self.columns
                if relation != "runs"
            )
            return [(str(run), str(rec)) for run, rec in self.ask(f"{unknown} LIMIT ?", (MOST_ORPHANS,))]
        found = self.ask(f"SELECT run, rec FROM given_{ORPHANS} LIMIT ?", (MOST_ORPHANS,))
        return [(str(run), str(rec)) for run, rec in found]

    def bounds(self, run: str) -> tuple[int, int] | None:
        """The `part` of the first and of the last row of a run; None if it has no rows."""
        relation = "rows" if "rows" in self.columns else "tokens"
        found = self._one(f"SELECT min(part), max(part) FROM given_{relation} WHERE run = ?", (run,))
        least, most = found or (None, None)
        if not isinstance(least, int | None) or not isinstance(most, int | None):
            raise BadSource(f"trail_{relation}: part goes from {least!r} to {most!r}; it must be a whole number")
        return None if least is None or most is None else (least, most)

    def row(self, run: str, part: int, most: int = 400) -> list[dict[str, object]]:
        """The records of one row, at most `most` of each relation."""
        records: list[dict[str, object]] = []
        for relation in OF_ROWS:
            if relation not in self.columns:
                continue
            names = self.columns[relation]
            read = ", ".join(f'"{name}"' for name in names)
            for values in self.ask(
                f"SELECT {read} FROM given_{relation} WHERE run = ? AND part = ? LIMIT ?", (run, part, most)
            ):
                pairs = zip(names, values, strict=True)
                records.append({"rec": relation, **{name: _shown(value) for name, value in pairs if value is not None}})
        return records

    def rows_of(self, run: str) -> int:
        """The number of rows of a run."""
        return self._count("SELECT count(*) FROM given_rows WHERE run = ?", (run,))

    def without_row(self, relation: str, run: str) -> bool:
        """True if a record of the run does not say to which row it belongs."""
        return self._one(f"SELECT 1 FROM given_{relation} WHERE run = ? AND part IS NULL LIMIT 1", (run,)) is not None

    def members(self, run: str) -> Iterator[tuple[object, int]]:
        """The batch and the row of each member."""
        yield from self.ask("SELECT batch, part FROM given_members WHERE run = ? AND part IS NOT NULL", (run,))

    def tokens_called(self, names: Sequence[str]) -> Iterator[tuple[str, str, str | None]]:
        """The run, the name and the row of the tokens that have one of these names."""
        yield from self.ask(
            'SELECT run, CAST(token AS TEXT), CAST("row" AS TEXT) FROM given_tokens '
            f"WHERE CAST(token AS TEXT) IN ({self.NAMES_GIVEN})",
            (json.dumps(names),),
        )

    def rows_up_to(self, run: str, part: int) -> int:
        relation = "rows" if "rows" in self.columns else "tokens"
        sql = f"SELECT count(DISTINCT part) FROM given_{relation} WHERE run = ? AND part <= ?"
        return self._count(sql, (run, part))

    def firsts(self, run: str, least: int, most: int, size: int) -> Iterable[int]:
        """Where the ranges of a run begin. Numbers with large gaps between them are looked up, and no gap is walked through."""
        relation = "rows" if "rows" in self.columns else "tokens"
        count = self._count(f"SELECT count(*) FROM given_{relation} WHERE run = ?", (run,))
        if most - least <= SPARSE * max(count, size):
            return range(least, most + 1, size)
        parts = self.ask(
            f"SELECT DISTINCT part FROM given_{relation} WHERE run = ? AND part >= ? ORDER BY 1", (run, least)
        )
        firsts: list[int] = []
        for (part,) in parts:
            if part is not None and (not firsts or part >= firsts[-1] + size):
                firsts.append(part)
        return firsts

    def ranges(self, run: str, size: int) -> Iterator[Range]:
        """Ranges that together hold every record of a run: `size` rows each, what lies outside, and what belongs to no row."""
        bounds = self.bounds(run)
        if bounds is None:
            yield Range(run, None, None)
        else:
            least, most = bounds
            for first in self.firsts(run, least, most, size):
                yield Range(run, first, min(first + size - 1, most))
            if least > -LARGEST - 1:
                yield Range(run, None, least - 1)
            if most < LARGEST:
                yield Range(run, most + 1, None)
        yield Range(run, None, None, orphans=True)


def _shown(value: object) -> object:
    return harmless(value[:200]) if isinstance(value, str) else value


@contextmanager
def reading(path: Path, adapter: Adapter, patience: float = PATIENCE) -> Iterator[Source]:
    """Open a database through an adapter. Each of its steps, and a first look at each view, may take `patience` seconds."""
    with opened(path) as conn:
        columns: dict[str, tuple[str, ...]] = {}
        slow: dict[str, str] = {}
        for step, query in adapter.steps.items():
            try:
                with bounded(conn, patience):
                    conn.execute(f"CREATE TEMP TABLE given_{step} AS {query}")
            except TookTooLong:
                raise BadSource(
                    f"{adapter.name}: the view trail_{step} took longer than {patience:g} s; --patience allows more"
                ) from None
            except sqlite3.Error as error:
                raise BadSource(f"{adapter.name}: trail_{step}: {error}") from error
        for relation, query in adapter.views.items():
            try:
                conn.execute(f"CREATE TEMP VIEW given_{relation} AS {query}")
            except sqlite3.Error as error:
                raise BadSource(f"{adapter.name}: trail_{relation}: {error}") from error
        for relation in adapter.views:  # when all are there, because one may read another
            try:
                found = conn.execute(f"SELECT * FROM given_{relation} LIMIT 0").description
            except sqlite3.Error as error:
                raise BadSource(f"{adapter.name}: trail_{relation}: {error}") from error
            if relation != ORPHANS:
                columns[relation] = tuple(str(column[0]) for column in found)
                check_columns(adapter, relation, columns[relation])
                try:
                    with bounded(conn, patience):
                        _runs_as_text(conn, relation, adapter.views[relation], columns[relation])
                except TookTooLong:
                    slow[relation] = (
                        f"the view trail_{relation} took longer than {patience:g} s; --patience allows more"
                    )
                    if relation in REQUIRED:
                        raise BadSource(f"{adapter.name}: {slow[relation]}") from None
                    del columns[relation]
        yield Source(conn, adapter, columns, slow)


def read_as(column: str) -> str:
    """A column in quotes as it is read: a name is text."""
    return f"CAST({column} AS TEXT)" if column.strip('"') in NAMES else column


def _runs_as_text(conn: sqlite3.Connection, relation: str, query: str, columns: Sequence[str]) -> None:
    """Give the ids of runs as text if they are numbers: all comparisons are of text."""
    one = conn.execute(f"SELECT typeof(run) FROM given_{relation} WHERE run IS NOT NULL LIMIT 1").fetchone()
    if one is not None and one[0] != "text":
        others = "".join(f', "{column}"' for column in columns if column != "run")
        conn.execute(f"DROP VIEW temp.given_{relation}")
        conn.execute(f"CREATE TEMP VIEW given_{relation} AS SELECT CAST(run AS TEXT) AS run{others} FROM ({query})")


def check_columns(adapter: Adapter, relation: str, columns: tuple[str, ...]) -> None:
    """Refuse a view that has a column of no meaning, or that lacks one that a record cannot lack."""
    known = {*COLUMNS[relation], "part"}
    strange = [column for column in columns if column not in known]
    if strange:
        raise BadSource(
            f"{adapter.name}: trail_{relation} has an unknown column {strange[0]!r}; "
            f"its columns are {', '.join(COLUMNS[relation])}"
        )
    needed = [name for name, kind in RELATIONS[relation].__annotations__.items() if not optional_column(relation, name)]
    missing = [column for column in needed if column not in columns]
    if missing:
        raise BadSource(
            f"{adapter.name}: trail_{relation} lacks the column {missing[0]!r}, which the relation must have"
        )

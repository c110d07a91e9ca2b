"""Copies the tables of a known engine from PostgreSQL into a database of SQLite, where the adapter for that engine reads them.

Adapters of engines are written for SQLite, and an engine has the same tables on either. SQLite itself says which tables and
columns the views of an adapter read (`read_by`); only these are copied, in one transaction that only reads. A time is copied
as text in UTC, as engines write it to SQLite, and JSON as text. Not here: trails that are read in place (`postgresql.py`).
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from .adapters import Adapter
from .connect import LONGEST, BadSource, made_once, quoted
from .postgresql import Place, answers, connected

Tables = dict[str, dict[str, str]]
"""The columns of each table, and their types."""
READ_AS: Final = {
    "json": "CAST({} AS text)",
    "jsonb": "CAST({} AS text)",
    "timestamp with time zone": "CAST({} AT TIME ZONE 'UTC' AS text)",
    "timestamp without time zone": "CAST({} AS text)",
    "uuid": "CAST({} AS text)",
}
"""How the values of a type are read; all others as they are."""


def read_by(adapter: Adapter, tables: Tables) -> Tables:
    """The tables and columns that the views of an adapter read. Raises `BadSource` if one of them is not there."""
    read: dict[str, set[str]] = {}

    def note(action: int, table: str | None, column: str | None, *_: object) -> int:
        if action == sqlite3.SQLITE_READ and table in tables:
            read.setdefault(table, set()).add(str(column))
        return sqlite3.SQLITE_OK

    with closing(sqlite3.connect(":memory:")) as conn:
        _make(conn, tables)
        conn.set_authorizer(note)
        try:
            for step, query in adapter.steps.items():
                conn.execute(f"CREATE TEMP TABLE given_{step} AS {query}")
            for relation, query in adapter.views.items():
                conn.execute(f"CREATE TEMP VIEW given_{relation} AS {query}")
            for relation in adapter.views:
                conn.execute(f"SELECT * FROM given_{relation}")
        except sqlite3.Error as error:
            raise BadSource(f"{adapter.name}: {error}") from error
    return {
        table: {column: kind for column, kind in tables[table].items() if column in columns}
        or dict(list(tables[table].items())[:1])
        for table, columns in read.items()
    }


def copy_tables(place: Place, tables: Tables, into: Path, patience: float) -> None:
    """Copy these tables and columns."""
    with connected(place, patience) as server, closing(made_once(into)) as conn:
        conn.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
        _make(conn, tables)
        for table, columns in tables.items():
            read = ", ".join(READ_AS.get(kind, "{}").format(quoted(column)) for column, kind in columns.items())
            rows = answers(server, f"SELECT {read} FROM {quoted(table)}")
            conn.executemany(f"INSERT INTO {quoted(table)} VALUES ({', '.join('?' * len(columns))})", rows)
        conn.execute("COMMIT")


def _make(conn: sqlite3.Connection, tables: Tables) -> None:
    for table, columns in tables.items():
        conn.execute(f"CREATE TABLE {quoted(table)} ({', '.join(map(quoted, columns))})")

"""Tables of SQLite databases, as a source and as a sink.

Not here: the landscape. These are the user's own databases, with connections of their own.
"""

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from fateline_engine.locks import Lock, let_go
from fateline_engine.plugins.builtin.files import alone, closing_on_failure, listed, regular
from fateline_engine.plugins.builtin.values import contract_of, convert, to_json
from fateline_engine.plugins.decorators import sink, source
from fateline_engine.plugins.options import IfExists, Key, Place, field_types, fields, file_path, one_of, text, whole
from fateline_engine.plugins.protocols import PluginUnavailable, Row, RowRefused, SourceRecord
from fateline_engine.read_only import connect_for_reading
from fateline_engine.settings.keys import name as a_name

_WAIT_SECONDS: Final = 5.0
_NO_TABLE: Final = -1
_ROWID: Final = ("rowid", "_rowid_", "oid")
"""The names of the number of a row, as long as no column has them."""
_OF_THE_ROW: Final = frozenset({sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH})
"""Errors that say something of a row. All others say something of the table, the file or the disk."""
_READS: Final = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)
"""What a query of a source may do. To attach is not among it; so nothing is made, and nothing is vacuumed into a file."""
_STEPS: Final = 10_000
"""After so many instructions SQLite asks whether to go on."""


def _table(value: object, place: Place) -> object:
    return a_name(value, place)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _create(table: str, columns: Sequence[str]) -> str:
    return f"create table {table} ({', '.join(map(_quoted, columns))})"


def _rowid(columns: Sequence[str]) -> str:
    """The name by which the rowid can be asked beside these columns. SQLite does not tell capitals of ASCII apart."""
    taken = {name.lower() for name in columns}
    free = next((name for name in _ROWID if name not in taken), None)
    if free is None:
        raise ValueError(f"columns of all the names {', '.join(_ROWID)}: one is needed for the number of the row")
    return free


def _check_columns(columns: Sequence[str]) -> None:
    """`ValueError` if no table can have these columns; SQLite itself is asked, in memory."""
    _rowid(columns)
    with closing(sqlite3.connect(":memory:")) as scratch:
        try:
            scratch.execute(_create("t", columns))
        except (sqlite3.Error, UnicodeEncodeError) as error:
            raise ValueError(str(error)) from error


@contextmanager
def _blaming(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter of a message that quotes the file
        why = "a row took too long: raise patience" if str(error) == "interrupted" else error
        raise PluginUnavailable(f"{path} cannot be {what}: {why}") from error
    except OSError as error:
        raise PluginUnavailable(f"{path} cannot be {what}: {error.strerror or error}") from error


@source(
    options={
        "path": Key(file_path, required=True, meaning="the database, from the folder of the pipeline"),
        "table": Key(_table, meaning="the table to read, in the order of its rowids"),
        "query": Key(text, meaning="or a select statement, which should have an ORDER BY"),
        "patience": Key(whole(1, 86_400), meaning="how many seconds the next row may take; default: 600"),
        "fields": Key(
            field_types, meaning="columns that must be of a type: `str`, `int`, `float`, `bool`; `?` with null"
        ),
    }
)
class SqliteSource:
    """A `table` in the order of its rowids, or a `query`, which should have an ORDER BY. Read only. A row with a
    blob, a number that is not finite, or a value that is not of its declared type is an invalid row."""

    def __init__(
        self,
        path: Path,
        table: str | None = None,
        query: str | None = None,
        fields: Mapping[str, str] | None = None,
        patience: int = 600,
    ) -> None:
        if (table is None) == (query is None):
            raise ValueError("give either table or query")
        self.path = path
        self._table = table
        self._sql = query or ""
        self._patience = patience
        self._until = 0.0
        self._types = dict(fields or {})
        self._connection: sqlite3.Connection | None = None

    def open(self) -> None:
        with closing_on_failure(self):
            self._open()

    def _open(self) -> None:
        with _blaming(self.path, "read"):
            regular(self.path)
            self._connection = connect_for_reading(self.path, timeout=_WAIT_SECONDS)
            if self._table is not None:
                self._sql = self._of_table(self._table)
            sqlite3.enable_callback_tracebacks(
                True
            )  # an interrupt in a callback is reported, and not taken for its answer
            self._connection.set_authorizer(_only_reads)
            self._connection.set_progress_handler(self._is_late, _STEPS)
            cursor = self._asked()
            columns = [item[0] for item in cursor.description or ()]
            cursor.close()
        if not columns:
            raise PluginUnavailable(f"{self.path}: the query gives no columns; it must be a select")
        if len(set(columns)) < len(columns):
            raise PluginUnavailable(f"{self.path}: the query gives two columns of one name: {', '.join(columns)}")
        if missing := [name for name in self._types if name not in columns]:
            message = f"no column {', '.join(missing)}; there are {', '.join(columns)}"
            raise PluginUnavailable(f"{self.path} has {message}: check fields")

    @property
    def _db(self) -> sqlite3.Connection:
        if self._connection is None:
            raise RuntimeError("the source is not open")
        return self._connection

    def _of_table(self, table: str) -> str:
        named = _quoted(table)
        columns = [item[0] for item in self._db.execute(f"select * from {named} limit 0").description]
        try:
            return f"select * from {named} order by {_rowid(columns)}"
        except ValueError as error:
            raise PluginUnavailable(f"{self.path}: {table} has {error}; write a query with an order by") from error

    def _is_late(self) -> bool:
        """Whether the next row takes too long; SQLite then ends the query."""
        return time.monotonic() > self._until

    def _asked(self) -> sqlite3.Cursor:
        self._until = time.monotonic() + self._patience
        return self._db.execute(self._sql)

    def records(self, start: int = 0) -> Iterator[SourceRecord]:
        with _blaming(self.path, "read"):
            cursor = self._asked()
            columns = [item[0] for item in cursor.description]
            index = 0
            while values := cursor.fetchone():
                if index >= start:
                    yield self._record(index, dict(zip(columns, values, strict=True)))
                index += 1
                self._until = time.monotonic() + self._patience

    def _record(self, index: int, data: dict[str, object]) -> SourceRecord:
        try:
            for name, value in data.items():
                if isinstance(value, bytes):
                    raise ValueError(f"{name}: a blob is not a value of a row")
                if isinstance(value, float) and value - value != 0:
                    raise ValueError(f"{name}: not a finite number")
                if name in self._types:
                    try:
                        data[name] = convert(value, self._types[name])
                    except ValueError as error:
                        raise ValueError(f"{name}: {error}") from None
        except ValueError as error:
            plain = {name: value if isinstance(value, str | int) else repr(value)[:100] for name, value in data.items()}
            return SourceRecord(index, plain, error=f"record {index + 1}: {error}")
        promised = {name: wanted.rstrip("?") for name, wanted in self._types.items()}
        return SourceRecord(index, data, {**contract_of(data), **promised})

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@sink(
    options={
        "path": Key(file_path, required=True, meaning="the database, from the folder of the pipeline"),
        "table": Key(_table, required=True, meaning="where the rows go"),
        "fields": Key(fields, meaning="the columns; default: the fields of the first row"),
        "if_exists": Key(
            one_of(IfExists), meaning="what happens to an existing table: `replace` (default), `append` or `fail`"
        ),
    }
)
class SqliteSink:
    """One row of the table for each row. The table is made with `fields`, or the fields of the first row. The position is the
    last rowid, and -1 while there is no table: a table that no commit confirmed is removed again. Lists and mappings
    are written as JSON, booleans as 0 and 1."""

    def __init__(
        self, path: Path, table: str, fields: tuple[str, ...] = (), if_exists: IfExists = IfExists.REPLACE
    ) -> None:
        self.path = path
        self._name = table
        self._table = _quoted(table)
        self._fields = fields
        self._if_exists = if_exists
        self._connection: sqlite3.Connection | None = None
        if fields:
            _check_columns(fields)
        self._columns: tuple[str, ...] = ()
        self._known: frozenset[str] = frozenset()
        self._rowid = _ROWID[0]
        self._last = 0
        self._lock: Lock | None = None

    @property
    def _db(self) -> sqlite3.Connection:
        if self._connection is None:
            raise RuntimeError(f"the sink of {self.path} is not open")
        return self._connection

    def open(self, *, resume: bool) -> None:
        with closing_on_failure(self), _blaming(self.path, "opened for writing"):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = alone(self.path)
            self._connection = sqlite3.connect(self.path, timeout=_WAIT_SECONDS, isolation_level=None)
            self._connection.execute("pragma synchronous = full")
            self._look()
            if self._columns and not resume and self._if_exists is IfExists.FAIL:
                message = f"{self.path} has a table {self._name} already: set if_exists: replace or append"
                raise PluginUnavailable(message)
            if not resume and self._if_exists is IfExists.REPLACE:
                self._connection.execute(f"drop table if exists {self._table}")
                self._look()
            self._refuse_own_numbers()

    def _look(self) -> None:
        """What the table is now. One in which positions would have no meaning is refused."""
        self._take(tuple(row[1] for row in self._db.execute(f"pragma table_info({self._table})")))
        self._last = 0
        if self._columns:
            self._last = self._db.execute(f"select max({self._rowid}) from {self._table}").fetchone()[0] or 0

    def _take(self, columns: tuple[str, ...]) -> None:
        try:
            self._columns, self._known, self._rowid = columns, frozenset(columns), _rowid(columns)
        except ValueError as error:
            raise PluginUnavailable(f"{self.path}: {self._name} has {error}") from error

    def _refuse_own_numbers(self) -> None:
        """A column that is the rowid has the user's numbers, and the position of this sink is a rowid."""
        keys = [row for row in self._db.execute(f"pragma table_info({self._table})") if row[5]]
        if len(keys) == 1 and keys[0][2].upper() == "INTEGER":
            message = f"its column {keys[0][1]} is its rowid, by which this sink counts: name another table"
            raise PluginUnavailable(f"{self.path} has a table {self._name} already, and {message}")

    def write(self, row: Row) -> None:
        columns = self._columns or self._fields or tuple(row)
        known = self._known or frozenset(columns)
        if extra := [name for name in row if name not in known]:
            raise RowRefused(f"no column for {listed(extra)}: the table has {listed(columns)}")
        if not columns:
            raise RowRefused("a row without fields cannot be the first of a table")
        values = [_stored(row.get(name)) for name in columns]
        try:
            if not self._db.in_transaction:
                self._db.execute("begin immediate")
            if self._columns:
                self._insert(values)
            else:
                self._first(columns, values)
        except (OverflowError, UnicodeEncodeError, ValueError) as error:
            raise RowRefused(f"the table does not take it: {error}") from error
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _OF_THE_ROW:
                raise RowRefused(f"the table does not take it: {error}") from error
            raise PluginUnavailable(f"{self.path} cannot be written: {error}") from error
        self._last += 1

    def _insert(self, values: Sequence[object]) -> None:
        names = ", ".join([self._rowid, *map(_quoted, self._columns)])
        marks = ", ".join("?" * (len(values) + 1))
        self._db.execute(f"insert into {self._table} ({names}) values ({marks})", [self._last + 1, *values])

    def _first(self, columns: tuple[str, ...], values: Sequence[object]) -> None:
        """The first row makes the table; if it is refused, there is no table."""
        _check_columns(columns)
        self._db.execute("savepoint first_row")
        try:
            self._db.execute(_create(self._table, columns))
            self._take(columns)
            self._insert(values)
        except BaseException:
            self._take(())
            with suppress(sqlite3.Error):  # an error of the disk has ended the transaction, savepoint and all
                self._db.execute("rollback to first_row")
            raise
        self._db.execute("release first_row")

    def flush(self) -> None:
        if self._db.in_transaction:
            with _blaming(self.path, "committed"):
                self._db.execute("commit")

    def position(self) -> int:
        return self._last if self._columns else _NO_TABLE

    def truncate(self, position: int) -> None:
        with _blaming(self.path, "cut back"):
            if self._db.in_transaction:
                self._db.execute("rollback")
            self._look()
            if self.position() < position:
                message = (
                    f"{self.path} has rows up to {self._last}, and {position} was confirmed: restore it from a copy"
                )
                raise PluginUnavailable(message)
            if position == _NO_TABLE:
                self._db.execute(f"drop table if exists {self._table}")
            else:
                self._db.execute(f"delete from {self._table} where {self._rowid} > ?", [position])
            self._look()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        lock, self._lock = self._lock, None
        let_go(lock)


def _only_reads(action: int, one: str | None, other: str | None, *_: str | None) -> int:
    allowed = action in _READS and not (action == sqlite3.SQLITE_FUNCTION and other == "load_extension")
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _stored(value: object) -> object:
    return to_json(value) if isinstance(value, list | tuple | Mapping) else value

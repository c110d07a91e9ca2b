"""Tables of SQLite databases, as a source and as a sink.

Not here: the landscape. These are the user's own databases, with connections of their own.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from fateline_engine.locks import let_go
from fateline_engine.plugins.builtin.files import alone, closing_on_failure
from fateline_engine.plugins.builtin.values import contract_of, convert, to_json
from fateline_engine.plugins.decorators import sink, source
from fateline_engine.plugins.options import IfExists, Key, Place, field_types, fields, file_path, one_of, text
from fateline_engine.plugins.protocols import PluginUnavailable, Row, RowRefused, SourceRecord
from fateline_engine.settings.keys import name as a_name

_WAIT_SECONDS: Final = 5.0
_NO_TABLE: Final = -1


def _table(value: object, place: Place) -> object:
    return a_name(value, place)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def _blaming(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise PluginUnavailable(f"{path} cannot be {what}: {error}") from error
    except OSError as error:
        raise PluginUnavailable(f"{path} cannot be {what}: {error.strerror or error}") from error


@source(
    options={
        "path": Key(file_path, required=True, meaning="the database, from the folder of the pipeline"),
        "table": Key(_table, meaning="the table to read, in the order of its rowids"),
        "query": Key(text, meaning="or a select statement, which should have an ORDER BY"),
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
    ) -> None:
        if (table is None) == (query is None):
            raise ValueError("give either table or query")
        self.path = path
        self._sql = query or f"select * from {_quoted(table or '')} order by rowid"
        self._types = dict(fields or {})
        self._connection: sqlite3.Connection | None = None

    def open(self) -> None:
        with closing_on_failure(self):
            self._open()

    def _open(self) -> None:
        with _blaming(self.path, "read"):
            uri = self.path.resolve().as_uri() + "?mode=ro"
            self._connection = sqlite3.connect(uri, uri=True, timeout=_WAIT_SECONDS)
            cursor = self._connection.execute(self._sql)
            columns = [item[0] for item in cursor.description or ()]
            cursor.close()
        if not columns:
            raise PluginUnavailable(f"{self.path}: the query gives no columns; it must be a select")
        if len(set(columns)) < len(columns):
            raise PluginUnavailable(f"{self.path}: the query gives two columns of one name: {', '.join(columns)}")
        if missing := [name for name in self._types if name not in columns]:
            message = f"no column {', '.join(missing)}; there are {', '.join(columns)}"
            raise PluginUnavailable(f"{self.path} has {message}: check fields")

    def records(self, start: int = 0) -> Iterator[SourceRecord]:
        if self._connection is None:
            raise RuntimeError("the source is not open")
        with _blaming(self.path, "read"):
            cursor = self._connection.execute(self._sql)
            columns = [item[0] for item in cursor.description]
            for index, values in enumerate(cursor):
                if index >= start:
                    yield self._record(index, dict(zip(columns, values, strict=True)))

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
        self._columns: tuple[str, ...] = ()
        self._last = 0
        self._lock: int | None = None

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

    def _look(self) -> None:
        self._columns = tuple(row[1] for row in self._db.execute(f"pragma table_info({self._table})"))
        self._last = (
            self._db.execute(f"select max(rowid) from {self._table}").fetchone()[0] or 0 if self._columns else 0
        )

    def write(self, row: Row) -> None:
        columns = self._columns or self._fields or tuple(row)
        if extra := [name for name in row if name not in columns]:
            raise RowRefused(f"no column for {', '.join(extra)}: the table has {', '.join(columns)}")
        if not columns:
            raise RowRefused("a row without fields cannot be the first of a table")
        values = [_stored(row.get(name)) for name in columns]
        try:
            if not self._db.in_transaction:
                self._db.execute("begin immediate")
            if not self._columns:
                self._db.execute(f"create table {self._table} ({', '.join(map(_quoted, columns))})")
                self._columns = columns
            marks = ", ".join("?" * (len(columns) + 1))
            names = ", ".join(["rowid", *map(_quoted, columns)])
            self._db.execute(f"insert into {self._table} ({names}) values ({marks})", [self._last + 1, *values])
        except (sqlite3.IntegrityError, OverflowError, UnicodeEncodeError) as error:
            raise RowRefused(f"the table does not take it: {error}") from error
        except sqlite3.Error as error:
            raise PluginUnavailable(f"{self.path} cannot be written: {error}") from error
        self._last += 1

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
                self._db.execute(f"delete from {self._table} where rowid > ?", [position])
            self._look()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        lock, self._lock = self._lock, None
        let_go(lock)


def _stored(value: object) -> object:
    return to_json(value) if isinstance(value, list | tuple | Mapping) else value

"""Reads a trail where it lies in PostgreSQL: in one snapshot, read-only, one range of rows at a time.

How it works
------------
The views of an adapter are written in the dialect of the server and stand before each query as common table expressions,
so nothing is created there. A range is read by `PostgresqlSource.fetch` into temporary tables `given_<relation>` of SQLite,
where `row_range.py` finds it as if it were a database of SQLite; what is not about rows (runs, nodes, edges, batches) is
read once. Each process has its connection, and all see the snapshot that `one_moment` holds.

An example
----------
Rows 0 to 3,999 of run `r`. `fetch` sends `WITH given_tokens AS (...) SELECT ... FROM given_tokens WHERE run = 'r' AND
part >= 0 AND part <= 3999`, and likewise for each relation of rows. An index by run and row makes that as fast as the range
is small.

A file of views is untrusted: a query may only call functions of `FUNCTIONS`, and the transaction is read-only.

Not here: which ranges there are (`whole.py`), and the questions (`row_range.py`).
"""

import re
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from importlib.resources import files
from itertools import count
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

from fateline_console.terminal import harmless
from fateline_model.records import RELATIONS

from .adapters import ORPHANS, Adapter, fits, read_adapter
from .connect import LONGEST, BadSource, quoted, storable
from .source import OF_ROWS, PATIENCE, WHOLE, Range, Source, check_columns, read_as, reading

SCHEMES: Final = ("postgresql://", "postgres://")
_FUNCTIONS: Final = """
abs avg bool_and bool_or btrim cardinality ceil char_length coalesce concat concat_ws convert_from count decode dense_rank
encode extract first_value floor greatest json_array_elements json_array_elements_text json_array_length json_each
json_each_text json_typeof jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_each
jsonb_each_text jsonb_extract_path jsonb_extract_path_text jsonb_object_keys jsonb_typeof lag last_value lead least left
length lower ltrim max md5 min mod nullif octet_length position rank replace right round row_number rtrim sha256
split_part starts_with string_agg strpos substr substring sum to_char to_jsonb translate trim unnest upper
"""
FUNCTIONS: Final = frozenset(_FUNCTIONS.split())
"""The functions that a view may call. None of them can change anything, wait, or read a file."""
_BEFORE_BRACKETS: Final = """
all and any array as between by case cast distinct else end except exists filter from group having in intersect is join
lateral like limit materialized not numeric on or order over partition select then union using values varchar when where
window within
"""
_WORDS: Final = frozenset(_BEFORE_BRACKETS.split())
"""Words of SQL that may stand before a bracket."""
_NAMING: Final = frozenset({"as", "with", "recursive"})
"""Words after which a name before a bracket is a new one, and no function."""
_CALL: Final = re.compile(r"""(?:(\w+)\s+|(\.)\s*)?("(?:[^"]|"")*"|[^\W\d]\w*)\s*\(""")
_TEXT: Final = re.compile(r"""("(?:[^"]|"")*")|'(?:[^']|'')*'|--[^\n]*""")
_SECRET: Final = re.compile(r"\w*password=", re.I)
_GIVEN: Final = re.compile(r"\bgiven_(\w+)\b")
_TEXT_TYPES: Final = frozenset({19, 25, 1043})
"""The numbers of the types name, text and varchar."""
_DIGITS: Final = 19
"""The largest number of digits of a whole number that SQLite can hold."""
AT_ONCE: Final = 2_000
"""The number of records that are fetched at once."""
_NUMBERS: Final = count()
"""Two cursors of one connection need different names."""


class Place(NamedTuple):
    """A database of a server, and the snapshot in which it is read."""

    url: str
    snapshot: str | None = None

    def __str__(self) -> str:
        """The address without its secrets."""
        parts = urlsplit(self.url)
        user, at, host = parts.netloc.rpartition("@")
        query = "&".join(part for part in parts.query.split("&") if not _SECRET.match(part))
        return urlunsplit(parts._replace(netloc=user.partition(":")[0] + at + host, query=query))

    def without_secrets(self, said: str) -> str:
        """A message in which no secret of the address is left."""
        parts = urlsplit(self.url)
        given = [part.partition("=")[2] for part in parts.query.split("&") if _SECRET.match(part)]
        for secret in (*given, parts.netloc.rpartition("@")[0].partition(":")[2]):
            for text in filter(None, (secret, unquote(secret))):
                said = said.replace(text, "***")
        return said


def place_of(database: str) -> Place | None:
    """The place that an address names; None if it is no address of PostgreSQL."""
    if not database.startswith(SCHEMES):
        return None
    try:
        urlsplit(database)
    except ValueError as error:
        raise BadSource(f"the address of the database cannot be read: {error}") from None
    return Place(database)


def _driver() -> Any:
    try:
        import psycopg
    except ImportError:
        raise BadSource("psycopg is not installed. It comes with: pip install 'fateline[postgresql]'") from None
    return psycopg


@contextmanager
def connected(place: Place, patience: float) -> Iterator[Any]:
    """A connection in a transaction that only reads, in the snapshot of the place. Errors name the place."""
    driver = _driver()
    try:
        with driver.connect(place.url, autocommit=True, connect_timeout=10) as conn:
            conn.execute(f"SET statement_timeout = {round(min(2**31 - 1, max(1, patience * 1000)))}")
            conn.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            if place.snapshot is not None:
                conn.execute(f"SET TRANSACTION SNAPSHOT '{place.snapshot}'")
            yield conn
    except driver.errors.QueryCanceled:
        raise BadSource(f"{place}: a query took longer than {patience:g} s; --patience allows more") from None
    except driver.Error as error:
        said = harmless(" ".join(place.without_secrets(str(error)).split()))[:300]
        raise BadSource(f"{place}: {said}") from None
    except sqlite3.DataError:
        raise BadSource(f"{place}: it has a value of more than {LONGEST:,} bytes; none that large is read") from None


@contextmanager
def one_moment(place: Place, patience: float) -> Iterator[Place]:
    """The place with a snapshot that other connections can read in while this one is open."""
    with connected(place, patience) as conn:
        yield place._replace(snapshot=str(conn.execute("SELECT pg_export_snapshot()").fetchone()[0]))


# ---------------------------------------------------------------------------------------------------- adapters


def tables_of(place: Place, patience: float) -> dict[str, dict[str, str]]:
    """The tables that an account finds without naming a schema: the columns of each, and their types."""
    tables: dict[str, dict[str, str]] = {}
    with connected(place, patience) as conn:
        columns = conn.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = ANY(current_schemas(false)) ORDER BY table_name, ordinal_position LIMIT 50000"
        )
        for table, column, kind in columns:
            tables.setdefault(str(table), {})[str(column)] = str(kind)
    return tables


def schemas_of(place: Place, patience: float) -> list[str]:
    """The schemas with tables that an account must name to find them, as the options of an address name them."""
    with connected(place, patience) as conn:
        found = conn.execute(
            "SELECT DISTINCT table_schema FROM information_schema.tables WHERE table_schema <> ALL(current_schemas(true)) "
            "AND table_schema NOT LIKE 'pg\\_%' AND table_schema <> 'information_schema' ORDER BY 1 LIMIT 12"
        )
        return [harmless(str(schema)) for (schema,) in found]


def adapter_in_place(tables: Mapping[str, Collection[str]]) -> Adapter | None:
    """The adapter by which a trail is read where it lies: the views of the database itself, or the known one that fits."""
    own = [relation for relation in RELATIONS if f"trail_{relation}" in tables]
    if {"runs", "tokens"} <= set(own):
        return Adapter("the views trail_<relation> of the database", {one: f"SELECT * FROM trail_{one}" for one in own})
    for path in (files(__package__) / "sql" / "postgresql").iterdir():
        adapter = read_adapter(path.name.removesuffix(".sql"), path.read_text("utf-8"))
        if all(fits(tables, want) for want in adapter.wants):
            return adapter
    return None


def checked(adapter: Adapter) -> Adapter:
    """The adapter, if its queries call only known functions and are one statement each."""
    for relation, query in {**adapter.steps, **adapter.views}.items():
        plain = _TEXT.sub(lambda found: found[1] or (" " if found[0].startswith("--") else "''"), query)
        strange = next((sign for sign in ("$", ";", "/*", "\\") if sign in plain), None)
        if strange is not None:
            raise BadSource(
                f"{adapter.name}: trail_{relation}: {strange!r} cannot be used in a view that is read on a server"
            )
        for before, dot, name in _CALL.findall(plain):
            word = name.strip('"').lower()
            if dot or (before.lower() not in _NAMING and word not in FUNCTIONS | _WORDS):
                raise BadSource(
                    f"{adapter.name}: trail_{relation} calls {harmless(word)[:60]}(). A view that is read on a server may only "
                    f"call {', '.join(sorted(FUNCTIONS))}"
                )
    return adapter


# ---------------------------------------------------------------------------------------------------- reading


@dataclass(frozen=True)
class PostgresqlSource(Source):
    """A trail on a server. `conn` is a database in memory that holds the range that was read last."""

    NAMES_GIVEN: ClassVar[str] = "SELECT jsonb_array_elements_text(CAST(? AS jsonb))"
    server: Any = None
    """The connection to the server."""
    queries: Mapping[str, str] = field(default_factory=dict)
    """The query of each view and step, in the order in which they build on each other."""

    def ask(self, sql: str, values: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        needed = _needed(self.queries, sql)
        made = _defined({name: query for name, query in self.queries.items() if name in needed})
        if values:  # only then is `%` a sign of the driver
            made, sql = made.replace("%", "%%"), sql.replace("%", "%%").replace("?", "%s")
        return answers(self.server, f"WITH {made} {sql}", values)

    def fetch(self, piece: Range) -> None:
        where, values = piece.where()
        for relation in OF_ROWS:
            if relation in self.columns:
                self.copy(relation, where, values)

    def copy(self, relation: str, where: str, values: Sequence[object]) -> None:
        """Put some records of a relation in the place of those that were read before."""
        names = list(map(quoted, self.columns[relation]))
        self.conn.execute(f"DELETE FROM given_{relation}")
        rows = self.ask(f"SELECT {', '.join(map(read_as, names))} FROM given_{relation} WHERE {where}", values)
        self.conn.executemany(f"INSERT INTO given_{relation} VALUES ({', '.join('?' * len(names))})", rows)


def answers(server: Any, sql: str, values: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
    """The rows of a query, as SQLite can store them, fetched a part at a time. A value stands for each `%s`."""
    with server.cursor(name=f"fateline_{next(_NUMBERS)}") as cursor:
        cursor.execute(sql, tuple(values) or None)
        while rows := cursor.fetchmany(AT_ONCE):
            yield from (tuple(map(stored, row)) for row in rows)


def _needed(queries: Mapping[str, str], sql: str) -> set[str]:
    """The views that a query reads, with those that they read."""
    needed: set[str] = set()
    new = set(_GIVEN.findall(sql))
    while new:
        needed |= new
        new = {name for one in new for name in _GIVEN.findall(queries.get(one, ""))} - needed
    return needed


def stored(value: object) -> object:
    """A value of the server as SQLite can store it."""
    if isinstance(value, Decimal) and value.is_finite() and value.adjusted() < _DIGITS:
        return storable(int(value)) if value == value.to_integral_value() else float(value)
    return storable(value) if value is None or isinstance(value, str | bytes | int | float) else str(value)


@contextmanager
def read_from(place: Path | Place, adapter: Adapter, patience: float = PATIENCE) -> Iterator[Source]:
    """Open a trail in a file or on a server through an adapter."""
    if not isinstance(place, Place):
        with reading(place, adapter, patience) as source:
            yield source
        return
    with (
        connected(place, patience) as server,
        closing(sqlite3.connect("", isolation_level=None, cached_statements=512)) as conn,
    ):
        conn.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
        queries = {**adapter.steps, **adapter.views}
        columns: dict[str, tuple[str, ...]] = {}
        for relation in adapter.views:
            described = server.execute(f"WITH {_defined(queries)} SELECT * FROM given_{relation} LIMIT 0").description
            if relation == ORPHANS:
                continue
            columns[relation] = tuple(str(column.name) for column in described)
            check_columns(adapter, relation, columns[relation])
            if next(column.type_code for column in described if column.name == "run") not in _TEXT_TYPES:
                others = "".join(f', "{column}"' for column in columns[relation] if column != "run")
                queries[relation] = f"SELECT CAST(run AS TEXT) AS run{others} FROM ({queries[relation]}) AS numbered"
            conn.execute(f"CREATE TEMP TABLE given_{relation} ({', '.join(map(quoted, columns[relation]))})")
        source = PostgresqlSource(conn, adapter, columns, {}, server, queries)
        for relation in WHOLE:
            if relation in columns:
                source.copy(relation, "true", ())
        yield source


def _defined(queries: Mapping[str, str]) -> str:
    return ", ".join(f"given_{name} AS NOT MATERIALIZED ({query})" for name, query in queries.items())

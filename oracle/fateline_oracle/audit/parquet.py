"""Writes trails as Parquet, one file for each relation, and checks them on DuckDB with the same queries, transpiled.

For trails of many runs kept in one place. SQLite derives the tables of the graph before they are written, so DuckDB
only needs the queries about rows. Needs the extra `fateline[fleet]`. Not here: any query.
"""

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from fateline_model.records import RELATIONS

from .adapters import Adapter
from .connect import BadSource, quoted
from .evidence import MEANINGFUL_ABSENCE, gap, given
from .incremental import Remembered
from .queries import CROSS_RANGE_TABLES, OF_THE_GRAPH, OF_THE_ROWS, outcome_rules, queries, shared
from .row_range import ASKED, Breach, RangeResult, RangeWorker, text_of
from .source import COLUMNS, OF_ROWS, Source
from .whole import THINGS, AuditResult, RunState, missing

ABOUT: Final = "trail.json"
MEMORY: Final = "1GB"
_WHOLE_NUMBERS: Final = frozenset({
    "rows", "idx", "ordinal", "attempt", "opened", "closed", "first_at", "decided_at", "outputs", "seq", "tx", "at", "part",
    "position", "of", "quorum", "attempts", "expands", "count_trigger", "n", "kept",
})  # fmt: skip


def engine() -> Any:
    """DuckDB. Raises `BadSource` with the way to install it."""
    try:
        import duckdb
        import sqlglot  # noqa: F401 - it transpiles the queries
    except ImportError as error:
        raise BadSource(f"{error.name} is not installed. It comes with: pip install 'fateline[fleet]'") from None
    return duckdb


# ---------------------------------------------------------------------------------------------------- writing


def export_parquet(source: Source, folder: Path) -> None:
    """Write every relation, and the tables derived from the graph."""
    duckdb = engine()
    folder.mkdir(parents=True, exist_ok=True)
    source.conn.execute("ATTACH '' AS slice")
    worker = RangeWorker(source, None, 600.0, 0)
    worker.whole_graph()
    conn = duckdb.connect()
    conn.execute(f"SET memory_limit = '{MEMORY}'")
    with tempfile.TemporaryDirectory(prefix="fateline-audit-") as scratch:
        for relation, columns in source.columns.items():
            names = [column for column in columns if column != "part"]
            rows = source.ask(f"SELECT {', '.join(map(quoted, names))} FROM given_{relation}")
            _put(conn, Path(scratch), folder, f"trail_{relation}", names, rows)
        for name in OF_THE_GRAPH:
            rows = source.conn.execute(
                f"SELECT n.name AS run, g.* FROM slice.{name} AS g JOIN slice.run_numbers AS n ON n.number = g.run"
            )
            names = [str(column[0]) for column in rows.description]
            _put(conn, Path(scratch), folder, name, ["run", *names[2:]], ((row[0], *row[2:]) for row in rows))
    conn.close()
    about = {
        "adapter": source.adapter.name,
        "whole": source.adapter.whole,
        "order": list(source.adapter.order),
        "derived": dict(source.adapter.derived),
        "columns": {k: [c for c in v if c != "part"] for k, v in source.columns.items()},
    }
    (folder / ABOUT).write_text(json.dumps(about), encoding="utf-8")


def _put(conn: Any, scratch: Path, folder: Path, name: str, columns: list[str], rows: Any) -> None:
    """Write one Parquet file, through a file of JSON lines, because DuckDB needs no other library to read that."""
    lines = scratch / "rows.jsonl"
    with lines.open("w", encoding="utf-8") as stream:
        for row in rows:
            pairs = zip(columns, row, strict=True)
            stream.write(json.dumps({c: v if isinstance(v, int | None) else str(v) for c, v in pairs}) + "\n")
    types = ", ".join(f"'{column}': '{_type(column)}'" for column in columns)
    conn.execute(
        f"COPY (SELECT * FROM read_json('{_path(lines)}', format = 'newline_delimited', columns = {{{types}}}, "
        f"maximum_object_size = 33554432)) TO '{_path(folder / name)}.parquet' (FORMAT parquet)"
    )


def _type(column: str) -> str:
    return "DOUBLE" if column == "timeout" else "BIGINT" if column in _WHOLE_NUMBERS else "VARCHAR"


def _path(path: Path) -> str:
    return str(path).replace("'", "''")


# ---------------------------------------------------------------------------------------------------- judging


@contextmanager
def _opened(folder: Path) -> Iterator[tuple[Any, Adapter, dict[str, tuple[str, ...]]]]:
    if not (folder / ABOUT).is_file():
        raise BadSource(f"{folder}: this folder was not written by --export")
    duckdb = engine()
    try:
        about = json.loads((folder / ABOUT).read_text("utf-8"))
        columns = {
            relation: tuple(map(str, about["columns"][relation]))
            for relation in RELATIONS
            if relation in about["columns"]
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadSource(f"{folder / ABOUT}: not written by --export: {error}") from error
    with tempfile.TemporaryDirectory(prefix="fateline-audit-") as scratch:
        conn = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
        conn.execute(f"SET memory_limit = '{MEMORY}'")
        conn.execute(f"SET temp_directory = '{_path(Path(scratch))}'")
        conn.execute("SET preserve_insertion_order = false")
        for name in (*(f"trail_{relation}" for relation in RELATIONS), *OF_THE_GRAPH):
            wanted = COLUMNS[name.removeprefix("trail_")] if name.startswith("trail_") else None
            conn.execute(f"CREATE VIEW {name} AS {_view(folder, name, wanted, columns)}")
        order = tuple(map(str, about.get("order") or ()))
        derived = {str(law): str(why) for law, why in dict(about.get("derived") or {}).items()}
        adapter = Adapter(str(about["adapter"]), {}, whole=about.get("whole") is True, order=order, derived=derived)
        yield conn, adapter, columns
        conn.close()


def _view(folder: Path, name: str, wanted: tuple[str, ...] | None, columns: dict[str, tuple[str, ...]]) -> str:
    """A relation with all its columns. Columns that are not recorded are NULL."""
    file = f"read_parquet('{_path(folder / name)}.parquet')"
    if wanted is None:
        return f"SELECT * FROM {file}"
    held = columns.get(name.removeprefix("trail_"), ())
    nothing = {column: f"CAST(NULL AS {_type(column)})" for column in wanted}
    selected = ", ".join(f"{quoted(c) if c in held else nothing[c]} AS {quoted(c)}" for c in wanted)
    part = ", 0 AS part" if name.removeprefix("trail_") in OF_ROWS else ""
    return f"SELECT {selected}{part} FROM {file}" if held else f"SELECT {selected}{part} LIMIT 0"


def records_of_folder(folder: Path) -> tuple[Adapter, list[tuple[str, dict[str, object]]]]:
    """The records of a folder: the adapter by which they were read, and each with the name of its relation."""
    found: list[tuple[str, dict[str, object]]] = []
    with _opened(folder) as (conn, adapter, columns):
        for relation, names in columns.items():
            order = " ORDER BY seq" if "seq" in names else ""
            rows = conn.execute(f"SELECT {', '.join(map(quoted, names))} FROM trail_{relation}{order}").fetchall()
            found += [(relation, dict(zip(names, values, strict=True))) for values in rows]
    return adapter, found


def transpiled(sql: str) -> str:
    """One of our queries in the dialect of DuckDB."""
    import sqlglot

    return str(sqlglot.transpile(sql, read="sqlite", write="duckdb")[0])


def audit_fleet(folder: Path, laws: frozenset[str] | None, kept: int, progress: Any = None) -> AuditResult:
    """Check a folder of Parquet files, with each query once over all rows."""
    started = time.perf_counter()
    with _opened(folder) as (conn, adapter, columns):
        runs = [str(run) for (run,) in conn.execute("SELECT run FROM trail_runs ORDER BY 1").fetchall()]
        found = AuditResult(adapter, columns, RangeResult(), runs, Remembered(adapter.name))
        found.queries = tuple(query for query in queries() if adapter.asks(query.law, laws))
        _prepare(conn, columns)
        records = found.judged.records
        for relation in RELATIONS:
            records[relation] = _one(conn, f"SELECT count(*) FROM trail_{relation}")
        found.recorded = {relation: records[relation] > 0 for relation in columns}
        states = conn.execute("SELECT run, status, rows FROM trail_runs").fetchall()
        found.states = {str(run): RunState(str(run), status, given) for run, status, given in states}
        for run, rows in conn.execute("SELECT run, rows FROM totals").fetchall():
            found.states[str(run)].rows = int(rows)
        _see(conn, found)
        counts = {name: _one(conn, transpiled(f"SELECT count(*) FROM {where}")) for name, where in ASKED.items()}
        counts |= {name: _one(conn, f"SELECT coalesce(sum(n), 0) FROM ({transpiled(sql.replace('slice.', ''))}) AS t(run, n)")
                   for name, sql in THINGS.items()}  # fmt: skip
        counts |= {"records": sum(records[name] for name in OF_ROWS), "parents": records["parents"]}
        for number, query in enumerate(found.queries, 1):
            if progress is not None:
                progress(f"{number} of {len(found.queries)} queries: {query.law}")
            lacking = [*missing(query, found), *(need for need in query.needs if _has_gap(conn, need, found))]
            found.judged.unknown.update({(query.name, need): counts.get(query.asked, 0) for need in lacking})
            if counts.get(query.asked) and not lacking:
                found.judged.checked[query.name] += counts[query.asked]
                _ask(conn, query.name, query.law, query.sql, found, kept)
    found.seconds = time.perf_counter() - started
    return found


def _prepare(conn: Any, columns: dict[str, tuple[str, ...]]) -> None:
    fields = ", ".join(
        f"{quoted(name)} VARCHAR" for name in ("outcome", "sink", "error", "reason", "batch", "group", "promised")
    )
    conn.execute(f"CREATE TABLE outcome_rules ({fields})")
    conn.executemany(
        "INSERT INTO outcome_rules VALUES (?, ?, ?, ?, ?, ?, ?)", outcome_rules(columns.get("outcomes", ()))
    )
    for name in OF_THE_ROWS:
        conn.execute(f"CREATE TABLE {name} AS {transpiled(shared(name).sql)}")
    for name, (names, origin) in CROSS_RANGE_TABLES.items():
        named = ", ".join(map(quoted, names.split(", ")))
        conn.execute(f"CREATE TABLE {name} AS SELECT * FROM ({transpiled(origin)}) AS t({named})")
    conn.execute(
        'CREATE TABLE parent_rows AS SELECT run, token, "row" FROM trail_tokens '
        "WHERE token IN (SELECT parent FROM unresolved_parents)"
    )
    conn.execute("CREATE TABLE totals AS SELECT run, count(*) AS rows FROM trail_rows GROUP BY run")


def _see(conn: Any, found: AuditResult) -> None:
    for need in MEANINGFUL_ABSENCE:
        relation, column = need.split(".")
        if _one(conn, f"SELECT count({quoted(column)}) FROM trail_{relation}"):
            found.judged.seen.add(need)


def _has_gap(conn: Any, need: str, found: AuditResult) -> bool:
    """True if a record lacks what is needed. Here one gap leaves the question open for all rows."""
    where = gap(need)
    if found.adapter.whole or where is None or not given(need, found.columns):
        return False
    sql = f"SELECT count(*) FROM {where[1]} AS x WHERE {where[2]}".replace("slice.", "")
    return _one(conn, transpiled(sql)) > 0


def _ask(conn: Any, name: str, law: str, sql: str, found: AuditResult, kept: int) -> None:
    query = transpiled(sql).rstrip(";")
    rows = conn.execute(f"SELECT * FROM ({query}) LIMIT {kept + 1}").fetchall()
    count = len(rows) if len(rows) <= kept else _one(conn, f"SELECT count(*) FROM ({query})")
    if count:
        found.judged.breached[name] = count
        found.judged.breaches += [
            Breach(name, law, str(run), None, text_of(token), text_of(node), str(message)[:600])
            for run, token, node, message in rows[:kept]
        ]


def _one(conn: Any, sql: str) -> int:
    return int(conn.execute(sql).fetchone()[0])

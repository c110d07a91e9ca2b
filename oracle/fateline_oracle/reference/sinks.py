"""The sinks of a crashed run: one file for each, and what a reader finds in it.

Sinks are csv, jsonl and sqlite files in turn, so that each kind is crashed. A sink holds one record for each effect: the id
of the token that was written. Not here: who writes them, and when (`crash.py`).
"""

import json
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from fateline_engine.plugins import Sink
from fateline_engine.plugins.builtin.csv_files import CsvSink
from fateline_engine.plugins.builtin.jsonl_files import JsonlSink
from fateline_engine.plugins.builtin.sqlite_tables import SqliteSink

TOKEN: Final = "token"
_TABLE: Final = "effects"
_FIELDS: Final = (TOKEN,)
_KINDS: Final[dict[str, Callable[[Path], Sink]]] = {
    ".csv": lambda path: CsvSink(path, fields=_FIELDS),
    ".jsonl": JsonlSink,
    ".db": lambda path: SqliteSink(path, _TABLE, fields=_FIELDS),
}


def paths_of(names: Iterable[str], folder: Path, pipeline: Mapping[str, object]) -> dict[str, Path]:
    """A file for each sink. The kind of the first depends only on the pipeline."""
    first, endings = zlib.crc32(json.dumps(pipeline, sort_keys=True).encode()), tuple(_KINDS)
    return {name: folder / f"{name}{endings[(first + at) % len(endings)]}" for at, name in enumerate(names)}


def sink_at(path: Path) -> Sink:
    return _KINDS[path.suffix](path)


def effects(path: Path) -> list[str]:
    """The tokens in a file, as a reader finds them. An incomplete line is not an effect."""
    if not path.exists():
        return []
    if path.suffix == ".db":
        with closing(sqlite3.connect(path)) as conn, suppress(sqlite3.OperationalError):
            return [str(token) for (token,) in conn.execute(f"SELECT {TOKEN} FROM {_TABLE} ORDER BY rowid")]
        return []
    lines = [line.decode().rstrip("\n") for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    return lines[1:] if path.suffix == ".csv" else [_token_in(line) for line in lines]


def _token_in(line: str) -> str:
    """The token of one effect. Text that is not one of our JSON objects is returned unchanged."""
    try:
        return str(json.loads(line)[TOKEN])
    except (ValueError, TypeError, KeyError):
        return line

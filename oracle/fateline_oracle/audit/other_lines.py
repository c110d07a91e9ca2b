"""Puts JSON lines of another format into a database, so that views can read them like any other schema.

Each line is a record of the table `lines`: its `number`, the whole `line`, and a column for each key that is at the top of
some line. A list or an object is kept as JSON, `true` and `false` as 1 and 0. Keys that differ only in their case are one
column in SQLite, so all but the first are left to `line`. Not here: JSON lines in our format (`import_records.py`), and the
views.
"""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from ..trails.reader import LINE
from .connect import BadSource, made_once, quoted, storable

LARGEST_KEY: Final = 100
"""The largest number of characters of a key that becomes a column."""
MOST_KEYS: Final = 500
"""The largest number of keys that become columns."""
OURS: Final = "rec"
"""The key that every record of a trail in our format has."""


def is_other_format(path: Path) -> bool:
    """True if the first line is a JSON object that is no record of a trail."""
    with path.open("rb") as file:
        first = next((line for line in iter(lambda: file.readline(LINE + 1), b"") if line.strip()), b"")
    try:
        found = json.loads(first)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and OURS not in found


def copy_lines_of(path: Path, into: Path) -> None:
    """Copy the lines. Raises `BadSource` if one is no JSON object."""
    keys: dict[str, str] = {"number": "number", "line": "line"}
    for _, __, found in _lines(path):
        for key in found:
            if len(key) <= LARGEST_KEY and len(keys) < MOST_KEYS and "\0" not in key:
                keys.setdefault(key.casefold(), key)
    own = [key for key in list(keys.values())[2:] if key.isprintable()]
    with closing(made_once(into)) as conn:
        columns = ["number INTEGER PRIMARY KEY", "line", *map(quoted, own)]
        conn.execute(f"CREATE TABLE lines ({', '.join(columns)})")
        conn.executemany(
            f"INSERT INTO lines VALUES ({', '.join('?' * len(columns))})",
            ((number, text, *(_stored(found.get(key)) for key in own)) for number, text, found in _lines(path)),
        )
        conn.execute("COMMIT")


def _lines(path: Path) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """The number, the text and the content of each line."""
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(LINE + 1), b""), 1):
            if len(line) > LINE:
                raise BadSource(f"{path}:{number}: the line has more than {LINE:,} bytes")
            if not line.strip():
                continue
            try:
                text = line.decode("utf-8").strip()
                found = json.loads(text)
            except (ValueError, RecursionError) as error:
                raise BadSource(f"{path}:{number}: not JSON: {error}") from None
            if not isinstance(found, dict):
                raise BadSource(f"{path}:{number}: not a JSON object")
            yield number, text, found


def _stored(value: object) -> object:
    return json.dumps(value) if isinstance(value, list | dict) else storable(value)

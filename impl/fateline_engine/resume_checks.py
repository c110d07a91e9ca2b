"""Whether a run may be resumed: what it relies on must still be what it was when it stopped.

Two comparisons are made before a resume changes anything. The source must give again, row by row, what was read of it; and
all data and error texts in the trail must still have the digests that the trail has for them. Both read the run once, in the
order of its keys, in bounded memory. Not here: what has not been read yet, and what a sink holds before its confirmed
position; neither is known.
"""

import sqlite3
from typing import Final

from fateline_engine.errors import ResumeRefused
from fateline_engine.row_reader import RowReader
from fateline_engine.rows import NotJson, canonical, digest_bytes, from_json

_ROWS: Final = "SELECT idx, valid, digest FROM rows WHERE run = ? ORDER BY row"
_KEPT: Final = {
    "row {0}": "SELECT row, data, digest FROM rows WHERE run = ?",
    "token {0}:{1}": "SELECT row, token, data, digest FROM tokens WHERE run = ? AND data IS NOT NULL",
    "a visit of token {0}:{1}": (
        "SELECT row, token, data, digest_out FROM visits WHERE run = ? AND data IS NOT NULL AND digest_out IS NOT NULL"
    ),
}
_ERRORS: Final = "SELECT body, digest FROM errors WHERE run = ?"


def refuse_another_source(conn: sqlite3.Connection, run: int, intake: RowReader) -> None:
    """`ResumeRefused` if the source does not give again what was read of it. A missing source raises its own error."""
    changed = intake.first_change(conn.execute(_ROWS, (run,)))
    if changed is not None:
        message = f"row {changed} of the source (counted from 0) is not what this run read"
        raise ResumeRefused(f"{message}: restore the source as it was, or begin a new run")


def refuse_tampered_data(conn: sqlite3.Connection, run: int) -> None:
    """`ResumeRefused` if data in the trail do not have their recorded digests."""
    for whose, query in _KEPT.items():
        for *key, data, digest in conn.execute(query, (run,)):
            if _digest(data) != digest:
                raise _tampered(f"the data of {whose.format(*key)}")
    for body, digest in conn.execute(_ERRORS, (run,)):
        if digest_bytes(body.encode("utf-8")) != digest:
            raise _tampered(f"the text of error {digest.hex()}")


def _tampered(what: str) -> ResumeRefused:
    return ResumeRefused(f"{what} in the audit trail does not match its digest: restore the database from a copy")


def _digest(data: bytes) -> bytes | None:
    """The digest that the data should have; `None` if they are not a row."""
    try:
        return digest_bytes(canonical(from_json(data)))
    except NotJson:
        return None

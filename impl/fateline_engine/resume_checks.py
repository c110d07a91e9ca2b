"""Whether a run may be taken up again: what it relies on is still what it was when it was stopped.

What it is: two comparisons, made before a resume touches anything. The source must give again what was read of it, row by
row; and whatever data and error texts the trail keeps must still have the digests that it keeps of them. Both read the
run once, in the order of its keys, in bounded memory.

What it is not: what has not been read yet, and what a sink holds before its confirmed position; neither is known here.
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
    """``ResumeRefused`` if the source does not give what was read of it; one that is missing says so itself."""
    changed = intake.first_change(conn.execute(_ROWS, (run,)))
    if changed is not None:
        told = f"row {changed} of the source (counted from 0) is not what this run read"
        raise ResumeRefused(f"{told}: put the source back as it was, or begin a new run")


def refuse_tampered_data(conn: sqlite3.Connection, run: int) -> None:
    """``ResumeRefused`` if what the trail keeps is not what its digests say."""
    for whose, query in _KEPT.items():
        for *key, data, digest in conn.execute(query, (run,)):
            if _digest(data) != digest:
                raise _tampered(f"the data of {whose.format(*key)}")
    for body, digest in conn.execute(_ERRORS, (run,)):
        if digest_bytes(body.encode("utf-8")) != digest:
            raise _tampered(f"the text of error {digest.hex()}")


def _tampered(what: str) -> ResumeRefused:
    return ResumeRefused(f"{what} in the audit trail is not what its digest says: restore the database from a copy")


def _digest(data: bytes) -> bytes | None:
    """The digest that the data should have; none if they are no row at all."""
    try:
        return digest_bytes(canonical(from_json(data)))
    except NotJson:
        return None

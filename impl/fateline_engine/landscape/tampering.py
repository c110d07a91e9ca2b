"""Whether a landscape is what the engine wrote: its schema, and the chain of its commits.

`examine` is for a file that nobody trusts: what is not one of our tables is not read. Not here: how the chain is made and
computed (`chain.py`), and whether the records are lawful.
"""

import sqlite3
from functools import cache
from typing import Final

from fateline_engine.landscape.chain import Alteration, Chain, verify
from fateline_engine.landscape.recorder import COLUMNS
from fateline_engine.landscape.store import APPLICATION_ID, MEMORY, SCHEMA_VERSION, Landscape

_SCHEMA: Final = "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"


@cache
def _expected() -> frozenset[tuple[str, str, str]]:
    with Landscape.open(MEMORY) as landscape:
        return frozenset(landscape.bare.execute(_SCHEMA))


def has_chain(conn: sqlite3.Connection) -> bool:
    """Whether this is a landscape that has a chain: one of this version, which begins with the second."""
    (application,) = conn.execute("PRAGMA application_id").fetchone()
    (version,) = conn.execute("PRAGMA user_version").fetchone()
    return bool(application == APPLICATION_ID and version == SCHEMA_VERSION)


def examine(conn: sqlite3.Connection, kept: str | None = None) -> Chain:
    """What the chain says, at one moment. `kept` is a head that was kept elsewhere.

    A guard or view that was changed belongs to no commit. If a table was changed, the chain is not computed.
    """
    conn.execute("BEGIN")
    try:
        changed = set(conn.execute(_SCHEMA)) ^ _expected()
        tables = sorted({name for kind, name, _ in changed if kind == "table"})
        if tables:
            return Chain(found=[Alteration(None, f"the schema was altered: {', '.join(tables)}")])
        chain = verify(conn, COLUMNS, kept)
        others = sorted({name for _, name, _ in changed})
        if others:
            chain.found.append(Alteration(None, f"the schema was altered: {', '.join(others)}"))
        return chain
    finally:
        conn.execute("ROLLBACK")

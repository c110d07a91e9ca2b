"""A server of PostgreSQL in a temporary folder, reached by a socket only, and databases of SQLite copied to it.

Not here: what is asked of it.
"""

import os
import pwd
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg

from fateline_oracle.trails.reader import WHOLE_NUMBERS

KINDS = {"INTEGER": "bigint", "REAL": "double precision", "BLOB": "bytea", "TEXT": "text"}
NUMBERS = {*WHOLE_NUMBERS, "part"}
OWNER = "postgres"
"""The server refuses to run as the superuser of the machine, so this user runs it there."""


def programs() -> Path | None:
    """The folder with the programs of a server; None if there is none, or nobody who may run it."""
    if os.geteuid() == 0 and OWNER not in {user.pw_name for user in pwd.getpwall()}:
        return None
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


@contextmanager
def server() -> Iterator[str]:
    """Run a server, and give the address of its databases, which ends before their name."""
    where = programs()
    assert where is not None
    user = OWNER if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="fl-") as folder:  # the path of a socket must be short
        if user is not None:
            shutil.chown(folder, user)

        def call(name: str, *words: str) -> None:
            command = [str(where / name), "-D", f"{folder}/data", *words]
            subprocess.run(
                command, check=True, user=user, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
            )

        call("initdb", "-U", OWNER, "-A", "trust", "--no-sync")
        options = f"-c listen_addresses='' -k {folder} -c fsync=off -c synchronous_commit=off"
        call("pg_ctl", "-o", options, "-w", "-l", f"{folder}/log", "start")
        try:
            yield f"postgresql://{OWNER}@{quote(folder, safe='')}/"
        finally:
            call("pg_ctl", "-m", "immediate", "-w", "stop")


def copy(database: Path, address: str, name: str, schema: str = "public") -> str:
    """Copy the tables of a database of SQLite into a schema of a new database of the server. Gives its address."""
    with psycopg.connect(f"{address}postgres", autocommit=True) as conn:
        conn.execute(f'CREATE DATABASE "{name}"')
    with closing(sqlite3.connect(database)) as origin, psycopg.connect(f"{address}{name}") as conn:
        conn.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        conn.execute(f"SET search_path = {schema}")
        for (table,) in origin.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        ):
            columns = [(str(row[1]), str(row[2])) for row in origin.execute(f'PRAGMA table_info("{table}")')]
            made = ", ".join(f'"{column}" {_kind(origin, table, column, kind)}' for column, kind in columns)
            conn.execute(f'CREATE TABLE "{table}" ({made})')
            with conn.cursor() as cursor, cursor.copy(f'COPY "{table}" FROM STDIN') as into:
                for row in origin.execute(f'SELECT * FROM "{table}"'):
                    into.write_row(row)
            if {"run", "row"} <= {column for column, _ in columns}:
                conn.execute(f'CREATE INDEX ON "{table}" (run, "row")')
        conn.execute("ANALYZE")
    return f"{address}{name}"


def _kind(origin: sqlite3.Connection, table: str, column: str, declared: str) -> str:
    """The type of a column: what its values are, since SQLite lets a column hold anything; else what it is declared as."""
    found = {str(kind) for (kind,) in origin.execute(f'SELECT DISTINCT typeof("{column}") FROM "{table}"')} - {"null"}
    of_nothing = "bigint" if column in NUMBERS else KINDS.get(declared.upper(), "text")
    kinds = {KINDS[kind.upper()] for kind in found} or {of_nothing}
    return kinds.pop() if len(kinds) == 1 else "text"

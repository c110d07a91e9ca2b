"""The chain of commits: a digest over what each commit wrote, and over the digest of the commit before.

The problem
-----------
Guards refuse what a program does by mistake. Somebody who may write the file can switch them off, and then edit, delete or
insert anything. What remains lawful cannot be noticed by a law.

The idea
--------
Each commit adds a record to `commits`: its number in the landscape, its run, its last step, and a digest over the previous
digest, over these, and over all records that the commit wrote. To change a record is to change the digest of its commit and of
all later ones. Who has kept one digest (the *head*) elsewhere can therefore tell whether anything up to it has changed.

Most tables only grow: their records carry the number of their step, and so belong to one commit. Four things are rewritten.
A visit is opened in one commit and closed in the same or a later one; the columns of each half are covered by their own
commit. Batches, positions, and the counters of a run are listed in `commits.written` as they were after that commit; the last
mention must equal what the table has now. Contracts and error texts have no step, and are mentioned there by their digests.

A digest is no signature. Whoever can rewrite the whole file can compute a new chain; only a head that was kept elsewhere shows
that. Nothing shows what an engine never wrote.

Not here: which commits are made (`recorder.py`), and laws.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec

_encode: Final = msgspec.msgpack.Encoder().encode
_to_json: Final = msgspec.json.Encoder().encode
SIZE: Final = 32
"""The length of a digest in bytes."""
START: Final = bytes(SIZE)
"""What stands in place of the digest before the first."""

GROWING: Final = ("rows", "tokens", "members", "fates", "parents", "losses", "barriers", "merges")
"""The tables whose records are written once, in the order in which they are hashed."""
OPENING: Final = (
    "run", "row", "token", "node", "attempt", "digest_in", "opened", "opened_tx", "opened_at",
)  # fmt: skip
CLOSING: Final = (
    "run", "row", "token", "node", "attempt", "status", "verdict", "edge", "error", "digest_out", "contract", "data", "closed",
    "tx", "at",
)  # fmt: skip
"""The columns of the two halves of a visit."""
COUNTERS: Final = ("status", "rows", "seq", "tx", "at", "last_seq", "last_tx", "last_at")
"""The columns of a run that change."""
BATCH: Final = ("node", "batch", "status", "trigger", "outputs", "attempt", "triggered_at", "seq", "tx", "at")
"""The columns of a batch that change, with its key; `opened_at` is mentioned when it is opened."""


def place_of_data(columns: Sequence[str]) -> int | None:
    """Where the data are in a record with these columns."""
    return columns.index("data") if "data" in columns else None


FIXED: Final = ("id", "pipeline", "config", "digest")
"""The columns of a run that never change; the commit that begins the run covers them with its nodes and edges."""

_HEAD: Final = "SELECT number, digest FROM commits ORDER BY number DESC LIMIT 1"
_HALF_OPEN: Final = """
SELECT 1 FROM visits AS v LEFT JOIN nodes AS n ON n.run = v.run AND n.node = v.node
WHERE v.closed IS NULL AND (v.status <> CASE WHEN n.kind IN ('coalesce', 'aggregation') THEN 'held' ELSE 'open' END
    OR v.tx <> v.opened_tx OR v.at <> v.opened_at OR coalesce(v.verdict, v.edge, v.error, v.digest_out, v.contract, v.data)
    IS NOT NULL) LIMIT 1"""
"""An open visit has nothing of its second half. Where tokens wait it is held, elsewhere open."""
_ADD: Final = "INSERT INTO commits (number, run, last_tx, written, digest) VALUES (?, ?, ?, ?, ?)"


class Head(NamedTuple):
    """The last commit of a landscape."""

    number: int
    digest: bytes


def head(conn: sqlite3.Connection) -> Head:
    """The head of the chain; of an empty landscape, number 0."""
    found = conn.execute(_HEAD).fetchone()
    return Head(*found) if found else Head(0, START)


class Part(NamedTuple):
    """Records of one table, and the place of the column that holds their data, if they have one."""

    records: Sequence[Any]
    data: int | None = None


def digest_of(before: bytes, number: int, run: int, last_tx: int, written: str, parts: Iterable[Part]) -> bytes:
    """The digest of one commit. `parts`: the records that it wrote, in the order of `GROWING`, then the halves of visits."""
    made = hashlib.blake2b(before, digest_size=SIZE)
    made.update(_encode((number, run, last_tx, written)))
    for records, place in parts:
        if place is None:
            made.update(_encode(records))
            continue
        made.update(_encode([(*one[:place], _size(one[place]), *one[place + 1 :]) for one in records]))
        for one in records:  # data may be large: they are hashed where they are, and not copied
            if one[place] is not None:
                made.update(one[place])
    return made.digest()


def _size(data: bytes | None) -> int | None:
    return None if data is None else len(data)


def add(conn: sqlite3.Connection, run: int, last_tx: int, written: Mapping[str, object], parts: Iterable[Part]) -> None:
    """Add the commit that is being made to the chain."""
    last = head(conn)
    text = _to_json(written).decode()
    number = last.number + 1
    conn.execute(_ADD, (number, run, last_tx, text, digest_of(last.digest, number, run, last_tx, text, parts)))


def begin(conn: sqlite3.Connection, run: int) -> None:
    """Add the commit that begins a run: everything is read back from it, since it is made once."""
    last_tx, written, parts = _beginning(conn, run)
    add(conn, run, last_tx, written, parts)


def _beginning(conn: sqlite3.Connection, run: int) -> tuple[int, dict[str, object], list[Part]]:
    record = conn.execute(f"SELECT {', '.join((*FIXED, *COUNTERS))} FROM runs WHERE run = ?", (run,)).fetchone()
    nodes = conn.execute("SELECT node, name, kind, config FROM nodes WHERE run = ? ORDER BY node", (run,)).fetchall()
    edges = conn.execute("SELECT edge, src, label, dst FROM edges WHERE run = ? ORDER BY edge", (run,)).fetchall()
    positions = conn.execute("SELECT node, position FROM positions WHERE run = ? ORDER BY node", (run,)).fetchall()
    counters = record[len(FIXED) :]
    written = {"run": counters, "positions": positions}
    parts = [Part([record[: len(FIXED)]]), Part(nodes), Part(edges)]
    return counters[COUNTERS.index("last_tx")], written, parts


# Verification


@dataclass
class Alteration:
    """The first sign that something is not as it was written."""

    number: int | None
    """The commit; `None` if it belongs to none."""
    what: str

    def __str__(self) -> str:
        return self.what if self.number is None else f"commit {self.number}: {self.what}"


@dataclass
class Chain:
    """What the chain of a landscape says."""

    commits: int = 0
    head: str = START.hex()
    found: list[Alteration] = field(default_factory=list)
    known: int | None = None
    """The number of the commit that has the digest that was asked for."""

    @property
    def unaltered(self) -> bool:
        return not self.found

    def first(self) -> Alteration | None:
        """The alteration of the earliest commit; one that belongs to none comes last."""
        return min(self.found, key=lambda one: (one.number is None, one.number or 0), default=None)


class _Commit(NamedTuple):
    number: int
    run: int
    last_tx: int
    written: str
    digest: bytes


def verify(conn: sqlite3.Connection, columns: Mapping[str, Sequence[str]], kept: str | None = None) -> Chain:
    """Compute the chain again. `columns` are those of each growing table in the order of its records.

    The records are read once, sorted by their steps. Memory grows with batches, contracts and error texts only, and with the
    largest commit. `kept` is a digest that was kept elsewhere.
    """
    return _Verifier(conn, columns, kept).run()


class _Verifier:
    def __init__(self, conn: sqlite3.Connection, columns: Mapping[str, Sequence[str]], kept: str | None) -> None:
        self.conn = conn
        self.columns = columns
        self.kept = kept
        self.chain = Chain()
        self.streams: dict[int, _Streams] = {}
        self.cut_off = False
        """Whether there are records after the last commit; then what is rewritten is later too."""
        self.mentioned: dict[tuple[Any, ...], tuple[int, Any]] = {}
        """What is rewritten: its key to the last commit that mentions it, and what it was then."""

    def run(self) -> Chain:
        before, number = START, 0
        for record in self.conn.execute("SELECT number, run, last_tx, written, digest FROM commits ORDER BY number"):
            commit = _Commit(*record)
            if not _shaped(commit):
                self.say(number + 1, "its record in the chain is damaged")
                continue
            if commit.number != number + 1:
                self.say(number + 1, "it is missing from the chain")
            number = commit.number
            self.check(commit, before)
            before = commit.digest
            if self.kept is not None and commit.digest.hex() == self.kept:
                self.chain.known = number
        self.chain.commits, self.chain.head = number, before.hex()
        self.leftovers()
        self.rewritten()
        if self.kept is not None and self.chain.known is None:
            self.say(None, "no commit has the digest that was kept")
        return self.chain

    def say(self, number: int | None, what: str) -> None:
        self.chain.found.append(Alteration(number, what))

    def check(self, commit: _Commit, before: bytes) -> None:
        written = _written(commit.written)
        if written is None:
            self.say(commit.number, "what it says to have written is damaged")
            return
        if commit.run not in self.streams:
            self.streams[commit.run] = _Streams(self.conn, self.columns, commit.run)
            parts = self.beginning(commit.run)
        else:
            parts = self.streams[commit.run].up_to(commit.last_tx)
        if digest_of(before, commit.number, commit.run, commit.last_tx, commit.written, parts) != commit.digest:
            self.say(commit.number, "what it wrote was altered")
        for key, value in _mentions(commit.run, written):
            if key[0] in ("contracts", "errors", "opened"):
                self.mentioned.setdefault(key, (commit.number, value))
            else:
                self.mentioned[key] = (commit.number, value)

    def beginning(self, run: int) -> list[Part]:
        try:
            return _beginning(self.conn, run)[2]
        except TypeError:  # there is no such run
            return []

    def leftovers(self) -> None:
        """Records that no commit wrote."""
        known = tuple(self.streams)
        after = self.chain.commits + 1
        found = len(self.chain.found)
        for run, streams in self.streams.items():
            for table in streams.left():
                self.say(after, f"it is missing, and {table} of run {run} has records after the last commit")
        self.cut_off = len(self.chain.found) > found
        if self.conn.execute(_HALF_OPEN).fetchone() is not None:
            self.say(None, "visits has an open visit that is not as it was opened")
        for table in (*GROWING, "visits", "runs", "nodes", "edges"):
            places = ", ".join("?" * len(known)) or "NULL"
            query = f"SELECT run FROM {table} WHERE run NOT IN ({places}) LIMIT 1"
            if self.conn.execute(query, known).fetchone() is not None or (not known and self._any(table)):
                self.say(None, f"{table} has records of a run that no commit began")

    def _any(self, table: str) -> bool:
        return self.conn.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is not None

    def rewritten(self) -> None:
        """Compare what is rewritten with its last mention, and what is kept by digest with its first."""
        for key, value in _now(self.conn):
            number, expected = self.mentioned.pop(key, (None, None))
            table = _TABLES[key[0]]
            if number is None:
                self.say(None, f"{table} has a record that no commit wrote")
            elif value != expected:
                later = self.chain.commits + 1 if self.cut_off else number
                self.say(later, f"{table} is not as it was left")
        for key, (number, _) in self.mentioned.items():
            self.say(number, f"a record of {_TABLES[key[0]]} is gone")


_TABLES: Final = {
    "run": "runs", "positions": "positions", "batches": "batches", "opened": "batches", "contracts": "contracts",
    "errors": "errors",
}  # fmt: skip
_LISTS: Final = ("positions", "batches", "opened", "contracts", "errors")


def _shaped(commit: _Commit) -> bool:
    types = (int, int, int, str, bytes)
    return all(type(value) is kind for value, kind in zip(commit, types, strict=True))


def _written(text: str) -> dict[str, Any] | None:
    """What a commit mentions; `None` if it does not have the shape."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("run"), list) or set(found) - {"run", *_LISTS}:
        return None
    lists = [found.get(name, []) for name in _LISTS]
    fine = all(isinstance(own, list) and all(isinstance(one, list) and len(one) > 1 for one in own) for own in lists)
    return found if fine else None


def _mentions(run: int, written: Mapping[str, Any]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    yield ("run", run), _comparable(written["run"])
    for name in _LISTS:
        keys = 2 if name in ("batches", "opened") else 1
        for one in written.get(name, ()):
            yield (name, run, *map(str, one[:keys])), _comparable(one[keys:])


def _comparable(values: Iterable[Any]) -> str:
    return json.dumps(list(values))


def _now(conn: sqlite3.Connection) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """The same of the tables as they are."""
    for run, *values in conn.execute(f"SELECT run, {', '.join(COUNTERS)} FROM runs"):
        yield ("run", run), _comparable(values)
    for run, node, position in conn.execute("SELECT run, node, position FROM positions"):
        yield ("positions", run, str(node)), _comparable([position])
    for run, opened_at, *values in conn.execute(f"SELECT run, opened_at, {', '.join(BATCH)} FROM batches"):
        key = (run, *map(str, values[:2]))
        yield ("batches", *key), _comparable(values[2:])
        yield ("opened", *key), _comparable([opened_at])
    for run, contract, body in conn.execute("SELECT run, contract, body FROM contracts"):
        yield ("contracts", run, str(contract)), _comparable([fingerprint(body)])
    for run, digest, body in conn.execute("SELECT run, digest, body FROM errors"):
        yield ("errors", run, bytes(digest).hex()), _comparable([fingerprint(body)])


def fingerprint(text: str) -> str:
    """The digest by which a contract or an error text is mentioned."""
    return hashlib.blake2b(text.encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()


class _Stream:
    """The records of one table in the order of their steps, taken commit by commit."""

    def __init__(self, cursor: Iterator[tuple[Any, ...]]) -> None:
        self._cursor = cursor
        self._next: tuple[Any, ...] | None = next(cursor, None)

    def up_to(self, last_tx: int) -> list[tuple[Any, ...]]:
        """The records up to this step. The first value of each is its step, and is left out."""
        taken = []
        while self._next is not None and _before(self._next[0], last_tx):
            taken.append(self._next[1:])
            self._next = next(self._cursor, None)
        return taken

    @property
    def has_more(self) -> bool:
        return self._next is not None


def _before(step: object, last_tx: int) -> bool:
    return isinstance(step, int) and step <= last_tx


class _Streams:
    """The records of one run."""

    def __init__(self, conn: sqlite3.Connection, columns: Mapping[str, Sequence[str]], run: int) -> None:
        def stream(table: str, step: str, names: Sequence[str], order: str, where: str = "1") -> _Stream:
            query = f"SELECT {step}, {', '.join(names)} FROM {table} WHERE run = ? AND {where} ORDER BY {step}, {order}"
            return _Stream(conn.execute(query, (run,)))

        self.data = {table: place_of_data(columns[table]) for table in GROWING}
        self.growing = {table: stream(table, "tx", columns[table], "seq") for table in GROWING}
        self.opened = stream("visits", "opened_tx", OPENING, "opened")
        self.closed = stream("visits", "tx", CLOSING, "closed", "closed IS NOT NULL")

    def up_to(self, last_tx: int) -> list[Part]:
        growing = [Part(stream.up_to(last_tx), self.data[table]) for table, stream in self.growing.items()]
        return [*growing, Part(self.opened.up_to(last_tx)), Part(self.closed.up_to(last_tx), CLOSING.index("data"))]

    def left(self) -> Iterator[str]:
        for table, stream in self.growing.items():
            if stream.has_more:
                yield table
        if self.opened.has_more or self.closed.has_more:
            yield "visits"

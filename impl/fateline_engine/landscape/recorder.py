"""`LandscapeRecorder`: the only writer of a run's trail.

It buffers whole steps and writes them in one transaction. An operation adds its records after everything was validated;
`commit` writes them table by table with one prepared statement for each table, in the order that the guards rely on
(tokens, visits, fates, links). A visit that begins and ends within one commit is written once, in its final form. A batch is
written open, and changed when its members have their ends.
Not here: validation. If a guard refuses a record, that is a bug of the engine: the transaction is rolled back and the run
stops at its last commit.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple

import msgspec

from fateline_engine.errors import EngineBug, LimitExceeded, Refused
from fateline_engine.landscape import chain
from fateline_engine.landscape.store import Landscape
from fateline_engine.words import BarrierVerdict, BatchStatus, GroupKind, RunStatus, VisitStatus

Record = tuple[Any, ...]
_encode: Final = msgspec.json.Encoder().encode


class Resolution(NamedTuple):
    """How a barrier was resolved, and of which branches it knew then."""

    verdict: BarrierVerdict
    arrived: str
    lost: str


COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "contracts": ("run", "contract", "body"),
    "rows": (
        "run", "row", "source", "idx", "valid", "contract", "error", "digest", "data", "seq", "tx", "at",
    ),
    "tokens": (
        "run", "row", "token", "branch", "group_kind", "parent", "batch_node", "batch", "fork", "frame", "edge",
        "contract", "digest", "data", "seq", "tx", "at",
    ),
    "batches": (
        "run", "node", "batch", "status", "trigger", "outputs", "attempt", "opened_at", "triggered_at", "seq", "tx", "at",
    ),
    "visits": (
        "run", "row", "token", "node", "attempt", "status", "verdict", "edge", "error", "digest_in", "digest_out",
        "contract", "data", "opened", "closed", "opened_tx", "tx", "opened_at", "at",
    ),
    "members": ("run", "node", "batch", "ordinal", "row", "token", "seq", "tx", "at"),
    "fates": (
        "run", "row", "token", "outcome", "sink", "error", "reason", "batch_node", "batch", "merged", "promised",
        "first", "last", "seq", "tx", "at",
    ),
    "parents": ("run", "row", "child", "parent", "parent_row", "ordinal", "seq", "tx", "at"),
    "losses": ("run", "node", "row", "fork", "branch", "token", "reason", "seq", "tx", "at"),
    "barriers": (
        "run", "node", "row", "fork", "verdict", "reason", "trigger", "arrived", "lost", "first_at", "decided_at",
        "result", "seq", "tx", "at",
    ),
    "merges": ("run", "row", "token", "origins", "seq", "tx", "at"),
}  # fmt: skip
"""The tables in the order in which one commit writes them, and the columns of a record in their order."""

_CLOSING: Final = ("status", "verdict", "edge", "error", "digest_out", "contract", "data", "closed", "tx", "at")
"""The columns of a visit that its end writes."""
_CHANGE: Final = ("status", "trigger", "outputs", "attempt", "triggered_at", "seq", "tx", "at")
"""The columns of a batch that its trigger and its end write."""


def _insert(table: str, columns: Sequence[str]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


def _update(table: str, columns: Sequence[str], key: Sequence[str]) -> str:
    values = ", ".join(f"{column} = ?" for column in columns)
    return f"UPDATE {table} SET {values} WHERE {' AND '.join(f'{column} = ?' for column in key)}"


def _places(table: str, columns: Sequence[str]) -> tuple[int, ...]:
    """Where in a record of the table these columns are."""
    return tuple(COLUMNS[table].index(column) for column in columns)


_INSERTS: Final = {table: _insert(table, columns) for table, columns in COLUMNS.items()}
_CLOSE_VISIT: Final = _update("visits", _CLOSING, COLUMNS["visits"][:5])
_CHANGE_BATCH: Final = _update("batches", _CHANGE, COLUMNS["batches"][:3])
(_STATUS, _VERDICT, _EDGE, _ERROR, _DIGEST_OUT, _CONTRACT, _DATA, _CLOSED, _TX, _AT) = _places("visits", _CLOSING)
_DATA_PLACES: Final = {table: chain.place_of_data(COLUMNS[table]) for table in chain.GROWING}
_opening: Final = itemgetter(*_places("visits", chain.OPENING))
_closing: Final = itemgetter(*_places("visits", chain.CLOSING))
_UPDATE_COLUMNS: Final = (*_CLOSING, *COLUMNS["visits"][:5])
_closing_of_update: Final = itemgetter(*map(_UPDATE_COLUMNS.index, chain.CLOSING))
_closed_at: Final = itemgetter(chain.CLOSING.index("closed"))
_batch: Final = itemgetter(*_places("batches", chain.BATCH))
(_OPENED_AT,) = _places("batches", ("opened_at",))
_KEEP_ERROR: Final = (
    "INSERT INTO errors SELECT ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM errors WHERE run = ? AND digest = ?)"
)
_MARK_RUN: Final = (
    "UPDATE runs SET status = ?, rows = ?, seq = ?, tx = ?, at = ?, last_seq = ?, last_tx = ?, last_at = ?"
    " WHERE run = ?"
)
_POSITION: Final = (
    "INSERT INTO positions VALUES (?, ?, ?) ON CONFLICT (run, node) DO UPDATE SET position = excluded.position"
)
_READ_RUN: Final = "SELECT status, rows, seq, tx, at, last_seq, last_tx, last_at FROM runs WHERE run = ?"
RESOLUTION: Final = "SELECT verdict, arrived, lost FROM barriers WHERE run = ? AND node = ? AND row = ? AND fork = ?"


class _WaitingToken(NamedTuple):
    """What is asked of a token that waits for the commit."""

    row: int
    token: int
    group_kind: str | None
    parent: int | None
    fork: int | None
    edge: int | None


_of_waiting: Final = itemgetter(*_places("tokens", _WaitingToken._fields))


class _Step:
    """The step that has just begun. A refusal inside the `with` block takes it back: there was no step."""

    __slots__ = ("_recorder",)

    def __init__(self, recorder: "LandscapeRecorder") -> None:
        self._recorder = recorder

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        if kind is not None and issubclass(kind, Refused | LimitExceeded):
            self._recorder.tx -= 1


class LandscapeRecorder:
    """The trail of one run, being written. `step` begins a step; `commit` closes whole steps."""

    def __init__(self, landscape: Landscape, run: int) -> None:
        self.landscape = landscape
        self.run = run
        self.status = RunStatus.RUNNING
        self.rows_read: int | None = None
        self.seq = self.tx = self.at = 0
        self._step = _Step(self)
        self._run_mark = (0, 0, 0)
        self._counters: Record = ()
        """What the run says of itself since the last commit."""
        self.pending: dict[str, list[Any]] = {table: [] for table in COLUMNS}
        self._tokens: list[Record] = self.pending["tokens"]
        self._parents: list[Record] = self.pending["parents"]
        self._fates: list[Record] = self.pending["fates"]
        self._visits: list[list[Any]] = self.pending["visits"]
        self._open: dict[tuple[int, int], list[Any]] = {}
        self._closings: list[Record] = []
        self._batch_changes: dict[tuple[int, int], Record] = {}
        self._errors: dict[bytes, str] = {}
        self._resolved: dict[tuple[int, int, int], Resolution] = {}
        self._first_row: int | None = None
        self._run_changed = False
        self.rows_pending = 0
        self.committed_seq = 0
        """The `seq` of the last record that is in the database."""
        self.discard()

    # Steps and commits

    def step(self, at: int) -> _Step:
        """Begin a step, one transaction of the law. Time does not run backwards, not even over a restart.

        As a context manager it takes the step back if the block is refused.
        """
        self.tx += 1
        if at > self.at:
            self.at = at
        return self._step

    @property
    def dirty(self) -> bool:
        """Whether anything waits for a commit."""
        return bool(self._closings or self._batch_changes or self._run_changed or any(self.pending.values()))

    def commit(self, positions: dict[int, int] | None = None) -> None:
        """Write all waiting records in one transaction: all or none."""
        try:
            with self.landscape.transaction():
                self._write(self.landscape.conn, positions or {})
        except sqlite3.IntegrityError as error:
            raise EngineBug(f"the landscape refuses a commit: {error}") from error
        self._counters = self._now()
        self._forget()

    def _write(self, conn: sqlite3.Connection, positions: dict[int, int]) -> None:
        run = self.run
        if self._errors:
            conn.executemany(_KEEP_ERROR, [(run, digest, text, run, digest) for digest, text in self._errors.items()])
        for table, records in self.pending.items():
            if table == "visits" and self._closings:
                conn.executemany(_CLOSE_VISIT, self._closings)
            if records:
                conn.executemany(_INSERTS[table], records)
            if table == "parents" and self._batch_changes:
                conn.executemany(_CHANGE_BATCH, list(self._batch_changes.values()))
        if positions:
            conn.executemany(_POSITION, [(run, node, str(at)) for node, at in positions.items()])
        counters = self._now()
        if self.dirty or positions or self._errors or counters != self._counters:
            chain.add(conn, run, self.tx, self._rewritten(counters, positions), self._parts())
            conn.execute(_MARK_RUN, (*counters, run))

    def _now(self) -> Record:
        return (self.status, self.rows_read, *self._run_mark, self.seq, self.tx, self.at)

    def _parts(self) -> Iterator[chain.Part]:
        """What this commit writes once, for its digest."""
        for table, place in _DATA_PLACES.items():
            yield chain.Part(self.pending[table], place)
        yield chain.Part([_opening(visit) for visit in self._visits])
        closed = [_closing(visit) for visit in self._visits if visit[_CLOSED] is not None]
        if self._closings:
            closed += map(_closing_of_update, self._closings)
        closed.sort(key=_closed_at)
        yield chain.Part(closed, chain.place_of_data(chain.CLOSING))

    def _rewritten(self, counters: Record, positions: dict[int, int]) -> dict[str, object]:
        """What this commit rewrites, or writes without a step, for its digest."""
        found: dict[str, object] = {"run": counters}
        if positions:
            found["positions"] = [(node, str(at)) for node, at in positions.items()]
        opened = self.pending["batches"]
        if opened or self._batch_changes:
            batches = {record[1:3]: _batch(record) for record in opened}
            batches |= {key: (*key, *change[: len(_CHANGE)]) for key, change in self._batch_changes.items()}
            found["batches"] = list(batches.values())
            found["opened"] = [(record[1], record[2], record[_OPENED_AT]) for record in opened]
        if self.pending["contracts"]:
            found["contracts"] = [(number, chain.fingerprint(body)) for _, number, body in self.pending["contracts"]]
        if self._errors:
            found["errors"] = [(digest.hex(), chain.fingerprint(text)) for digest, text in self._errors.items()]
        return found

    def discard(self) -> None:
        """Drop what waits, and continue from the last commit."""
        self._forget()
        found = self.landscape.conn.execute(_READ_RUN, (self.run,)).fetchone()
        self._counters = found
        status, self.rows_read, *_, self.seq, self.tx, self.at = found
        self.status = RunStatus(status)
        self._run_mark = found[2:5]
        self.committed_seq = self.seq

    def _forget(self) -> None:
        """Drop the waiting records: they were written, or are given up."""
        for records in self.pending.values():
            records.clear()
        self._open.clear()
        self._closings.clear()
        self._batch_changes.clear()
        self._errors.clear()
        self._resolved.clear()
        self._first_row = None
        self._run_changed = False
        self.rows_pending = 0
        self.committed_seq = self.seq

    # Runs

    def mark_run(self, status: RunStatus, rows: int | None) -> None:
        """The run changes: its source ends, or it stops, resumes or completes."""
        self.seq += 1
        self.status, self.rows_read = status, rows
        self._run_mark = (self.seq, self.tx, self.at)
        self._run_changed = True

    # Rows and tokens

    def row(
        self, row: int, source: int, idx: int, contract: int | None, error: bytes | None, digest: bytes, data: bytes
    ) -> None:
        self.seq += 1
        if self._first_row is None:
            self._first_row = row
        self.rows_pending += 1
        self.pending["rows"].append(
            (self.run, row, source, idx, int(error is None), contract, error, digest, data, self.seq, self.tx, self.at)
        )

    def contract(self, number: int, body: str) -> None:
        self.pending["contracts"].append((self.run, number, body))

    def token(
        self,
        row: int,
        token: int,
        *,
        branch: str | None = None,
        group_kind: str | None = None,
        parent: int | None = None,
        batch: tuple[int, int] | None = None,
        fork: int | None = None,
        frame: str | None = None,
        edge: int | None = None,
        contract: int | None = None,
        digest: bytes | None = None,
        data: bytes | None = None,
    ) -> None:
        seq = self.seq + 1
        self.seq = seq + (edge is not None)  # its first hop is a record too
        batch_node, number = batch if batch else (None, None)
        made = (branch, group_kind, parent, batch_node, number, fork, frame, edge, contract, digest, data)
        self._tokens.append((self.run, row, token, *made, seq, self.tx, self.at))

    def waits(self, row: int, token: int) -> bool:
        """Whether this token is among what waits for the commit."""
        return any(waiting.row == row and waiting.token == token for waiting in self._waiting_tokens())

    def was_merged(self, row: int, fork: int, edge: int) -> bool:
        """Whether branches of this fork became a token that was put on this edge; waiting records are searched first."""
        waiting = {token.token: token for token in self._waiting_tokens() if token.row == row}
        for token in waiting.values():
            if token.group_kind == GroupKind.JOIN and token.edge == edge and token.parent is not None:
                parent = waiting.get(token.parent)
                known = parent.fork if parent is not None else self.landscape.fork_of(self.run, row, token.parent)
                if known == fork:
                    return True
        return self.landscape.has_merge(self.run, row, fork, edge)

    def _waiting_tokens(self) -> Iterator["_WaitingToken"]:
        return (_WaitingToken(*_of_waiting(record)) for record in self._tokens)

    def parent(self, row: int, child: int, parent_row: int, parent: int, ordinal: int) -> None:
        self.seq = seq = self.seq + 1
        self._parents.append((self.run, row, child, parent, parent_row, ordinal, seq, self.tx, self.at))

    # Visits

    def open_visit(self, row: int, token: int, node: int, attempt: int, status: str, digest: bytes | None) -> None:
        self.seq = seq = self.seq + 1
        tx, at = self.tx, self.at
        visit = [self.run, row, token, node, attempt, status, None, None, None, digest, None, None, None]
        visit += [seq, None, tx, tx, at, at]
        self._visits.append(visit)
        self._open[row, token] = visit

    def close_visit(
        self,
        row: int,
        token: int,
        node: int,
        attempt: int,
        status: VisitStatus,
        verdict: str | None,
        edge: int | None = None,
        error: bytes | None = None,
        digest: bytes | None = None,
        contract: int | None = None,
        data: bytes | None = None,
    ) -> None:
        seq = self.seq + 1
        self.seq = seq + (edge is not None)  # the hop after it is a record too
        visit = self._open.pop((row, token), None)
        if visit is None:
            key = (self.run, row, token, node, attempt)
            self._closings.append((status, verdict, edge, error, digest, contract, data, seq, self.tx, self.at, *key))
            return
        visit[_STATUS], visit[_VERDICT], visit[_EDGE], visit[_ERROR] = status, verdict, edge, error
        visit[_DIGEST_OUT], visit[_CONTRACT], visit[_DATA] = digest, contract, data
        visit[_CLOSED], visit[_TX], visit[_AT] = seq, self.tx, self.at

    # Fates

    def fate(
        self,
        row: int,
        token: int,
        outcome: str,
        *,
        sink: int | None = None,
        error: bytes | None = None,
        reason: str | None = None,
        batch: tuple[int, int] | None = None,
        merged: int | None = None,
        promised: str | None = None,
        first: int | None = None,
        last: int | None = None,
    ) -> None:
        self.seq = seq = self.seq + 1
        batch_node, number = batch if batch else (None, None)
        key = (self.run, row, token)
        values = (sink, error, reason, batch_node, number, merged, promised, first, last)
        self._fates.append((*key, outcome, *values, seq, self.tx, self.at))

    def keep_error(self, digest: bytes, text: str) -> None:
        self._errors[digest] = text

    # Barriers

    def loss(self, node: int, row: int, fork: int, branch: str, token: int, reason: str) -> None:
        self.seq += 1
        self.pending["losses"].append((self.run, node, row, fork, branch, token, reason, self.seq, self.tx, self.at))

    def barrier(
        self,
        node: int,
        row: int,
        fork: int,
        verdict: BarrierVerdict,
        reason: str | None,
        trigger: str,
        arrived: str,
        lost: str,
        first_at: int,
        result: int | None,
    ) -> None:
        self.seq += 1
        self._resolved[node, row, fork] = Resolution(verdict, arrived, lost)
        values = (verdict, reason, trigger, arrived, lost, first_at, self.at, result)
        self.pending["barriers"].append((self.run, node, row, fork, *values, self.seq, self.tx, self.at))

    def resolution(self, node: int, row: int, fork: int) -> Resolution | None:
        """How this barrier was resolved, read from what waits for the commit, then from the trail by its key."""
        known = self._resolved.get((node, row, fork))
        if known is not None or (self._first_row is not None and row >= self._first_row):
            return known  # a row that was not yet committed has nothing in the database
        found = self.landscape.conn.execute(RESOLUTION, (self.run, node, row, fork)).fetchone()
        return Resolution(BarrierVerdict(found[0]), found[1], found[2]) if found else None

    def merge(self, row: int, token: int, origins: Sequence[Any]) -> None:
        body = _encode(origins).decode()
        self.pending["merges"].append((self.run, row, token, body, self.seq + 1, self.tx, self.at))
        self.seq += len(origins)

    # Batches

    def open_batch(self, node: int, batch: int) -> None:
        self.seq += 1
        self.pending["batches"].append(
            (self.run, node, batch, BatchStatus.OPEN, None, None, 0, self.at, None, self.seq, self.tx, self.at)
        )

    def change_batch(
        self, node: int, batch: int, status: str, trigger: str, outputs: int | None, attempt: int, triggered_at: int
    ) -> None:
        self.seq += 1
        change = (status, trigger, outputs, attempt, triggered_at, self.seq, self.tx, self.at)
        self._batch_changes[node, batch] = (*change, self.run, node, batch)

    def member(self, node: int, batch: int, ordinal: int, row: int, token: int) -> None:
        self.pending["members"].append((self.run, node, batch, ordinal, row, token, self.seq + 1, self.tx, self.at))
        self.seq += 2  # `buffered` is a record too

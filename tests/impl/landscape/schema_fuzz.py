"""A fuzzer of the schema: sequences of statements that no engine writes, and what they leave is audited.

An episode begins in a landscape with two runs, one over and one in the middle of its work. It tries transactions: forged
forks, expansions, merges, batches, rows, visits and ends of a run, written as the engine writes them and then damaged (a
statement left out, doubled, moved, or with another value), and lone statements in every conflict mode. What a guard or a key
refuses is rolled back. Nothing is ever deleted from a landscape, so one audit at the end of an episode sees all that was
committed.

With foreign keys off no trigger can know that a step will not be finished. What `PRAGMA foreign_key_check` reports after a
commit is therefore taken back and counted; it is listed in specs/durability.md.

Not here: the audit, which is the judge's; and attacks by hand (`test_guards.py`).
"""

import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from fateline_oracle.audit.adapters import find_adapter
from fateline_oracle.audit.connect import BadSource
from fateline_oracle.audit.whole import Wanted, audit

PROMISED: Final = frozenset(
    {"L1", "L2", "L3", "L4", "L5", "L6", "L7", "L8", "F1", "F2", "F3", "F4", "F5", "K1", "K2", "X1", "X3", "C1", "V1", "V3",
     "R3"}
)  # fmt: skip
"""The laws that the guards promise to hold, whoever writes."""
UNREADABLE: Final = "cannot be audited"
MODES: Final = ("", "", "", "OR REPLACE", "OR IGNORE", "OR FAIL", "OR ABORT", "OR ROLLBACK")
TABLES: Final = (
    "runs", "nodes", "edges", "contracts", "errors", "positions", "rows", "tokens", "parents", "visits", "fates", "barriers",
    "losses", "merges", "batches", "members",
)  # fmt: skip
TRANSACTIONS: Final = 40
"""How many are tried in one episode."""
DIGEST: Final = b"0123456789abcdef"

Statement = tuple[str, tuple[Any, ...]]


@dataclass
class Tally:
    """What happened, over all episodes."""

    statements: int = 0
    refused: int = 0
    committed: int = 0
    by_keys: int = 0
    half_done: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    """How often a transaction of each kind was committed."""


@dataclass
class Found:
    """What the audit found in one episode, and what was committed in it."""

    laws: dict[str, int]
    said: list[str]
    committed: list[list[Statement]]


class Episode:
    """Transactions on one landscape."""

    def __init__(self, scene: bytes, seed: int, keys: bool, tally: Tally) -> None:
        self.rng = random.Random(seed)
        self.keys = keys
        self.conn = self.opened(scene)
        self.tally = tally
        self.committed: list[list[Statement]] = []
        self.seq = self.tx = 0
        self.columns = {table: [row[1] for row in self.conn.execute(f"PRAGMA table_info({table})")] for table in TABLES}
        self.kinds: tuple[Callable[[], Iterator[Statement]], ...] = (
            self.lone, self.lone, self.read, self.fork, self.expand, self.merge, self.batch, self.visit, self.fail, self.end,
            self.join_batch, self.source_end,
        )  # fmt: skip

    def opened(self, content: bytes) -> sqlite3.Connection:
        conn = sqlite3.connect(":memory:", isolation_level=None)
        conn.deserialize(content)
        conn.execute(f"PRAGMA foreign_keys = {'ON' if self.keys else 'OFF'}")
        return conn

    def run(self) -> None:
        for _ in range(TRANSACTIONS):
            self.transaction()

    def transaction(self) -> None:
        ((self.seq, self.tx),) = self.all("SELECT last_seq, last_tx + 1 FROM runs WHERE run = 1")
        make = self.rng.choice(self.kinds)
        statements = self.damaged(list(make()))
        if make != self.lone and self.rng.random() < 0.8:
            statements.append(
                (
                    "UPDATE runs SET last_seq = max(last_seq, ?), last_tx = max(last_tx, ?) WHERE run = 1",
                    (self.seq, self.tx),
                )
            )
        before = None if self.keys else self.conn.serialize()
        self.conn.execute("BEGIN")
        done, changes = [], self.conn.total_changes
        for sql, values in statements:
            self.tally.statements += 1
            try:
                self.conn.execute(sql, values)
                done.append((sql, values))
            except (sqlite3.Error, OverflowError):
                self.tally.refused += 1
                if not self.conn.in_transaction:
                    return
                if self.rng.random() < 0.5:
                    self.conn.execute("ROLLBACK")
                    return
        try:
            self.conn.execute("COMMIT")
        except sqlite3.Error:
            self.tally.by_keys += 1
            self.conn.execute("ROLLBACK")
            return
        if self.conn.total_changes == changes:
            return
        if before is not None and self.conn.execute("PRAGMA foreign_key_check").fetchone():
            self.tally.half_done += 1
            self.conn.close()
            self.conn = self.opened(before)
            return
        self.tally.committed += 1
        self.tally.kinds[make.__name__] += 1
        self.committed.append(done)

    # Helpers

    def all(self, query: str, *values: object) -> list[Any]:
        return self.conn.execute(query, values).fetchall()

    def any_of(self, query: str, *values: object) -> Any:
        found = self.all(query, *values)
        return self.rng.choice(found) if found else None

    def next(self) -> int:
        self.seq += 1
        return self.seq

    def damaged(self, statements: list[Statement]) -> list[Statement]:
        """The statements, or some of them changed: most forgeries differ from a lawful step in one thing."""
        rng = self.rng
        for _ in range(rng.choice((0, 0, 1, 1, 2)) if statements else 0):
            place = rng.randrange(len(statements))
            sql, values = statements[place]
            how = rng.randrange(6)
            if how == 0:
                del statements[place]
            elif how == 1:
                statements.insert(rng.randrange(len(statements) + 1), (sql, values))
            elif how == 2:
                statements.insert(rng.randrange(len(statements)), statements.pop(place))
            elif values:
                column = rng.randrange(len(values))
                statements[place] = (sql, (*values[:column], self.other(values[column]), *values[column + 1 :]))
            if not statements:
                break
        return statements

    def other(self, value: object) -> object:
        rng = self.rng
        if isinstance(value, int):
            return rng.choice((value + 1, value - 1, value + 2, 0, 1, 99, -1, None, str(value), float(value), 2**62))
        others: tuple[object, ...] = (
            None, "", "a", "b", "c", '["a","b"]', '["a"]', '["a",1]', '["a,b"]', "1", "2", "1junk", "completed", "failed",
            "open", "held", "forked", "expanded", "coalesced", "fork", "join", "expand", 0, b"", b"{}",
            DIGEST, "not json", "[[1]]",
        )  # fmt: skip
        return rng.choice(others)

    def insert(self, table: str, **values: object) -> Statement:
        columns = self.columns[table]
        mode = self.rng.choice(MODES)
        given = tuple(values.get(column) for column in columns)
        return f"INSERT {mode} INTO {table} VALUES ({', '.join('?' * len(columns))})", given

    def stamp(self, more: int = 0) -> dict[str, int]:
        number = self.next()
        self.seq += more
        return {"seq": number, "tx": self.tx, "at": 0}

    def living(self) -> Any:
        """A token of run 1 without a fate and without an open visit: (row, token)."""
        return self.any_of(
            "SELECT row, token FROM tokens AS t WHERE run = 1 AND NOT EXISTS (SELECT 1 FROM fates AS f WHERE f.run = 1"
            " AND f.row = t.row AND f.token = t.token) AND NOT EXISTS (SELECT 1 FROM visits AS v WHERE v.run = 1"
            " AND v.row = t.row AND v.token = t.token AND v.status IN ('open', 'held'))"
        )

    def new(self, row: int) -> int:
        ((highest,),) = self.all("SELECT coalesce(max(token), -1) FROM tokens WHERE run = 1 AND row = ?", row)
        return int(highest) + 1

    def edge(self) -> int:
        return self.rng.randrange(8)

    # Kinds of transactions

    def lone(self) -> Iterator[Statement]:
        """One to three statements that know nothing of the law."""
        rng = self.rng
        for _ in range(rng.choice((1, 1, 2, 3))):
            table = rng.choice(TABLES)
            columns = self.columns[table]
            record = self.any_of(f"SELECT * FROM {table}")
            if record is None:
                continue
            what = rng.randrange(10)
            key = " AND ".join(f"{column} IS ?" for column in columns[:4])
            if what == 0:
                yield f"DELETE FROM {table} WHERE {key}", record[:4]
            elif what < 4:
                place = rng.randrange(len(columns))
                sql = f"UPDATE {rng.choice(MODES)} {table} SET {columns[place]} = ? WHERE {key}"
                yield sql, (self.other(record[place]), *record[:4])
            else:
                values = dict(zip(columns, record, strict=True))
                for number in ("seq", "opened"):
                    if number in values and rng.random() < 0.7:
                        values[number] = self.next()
                for number in ("tx", "opened_tx"):
                    if number in values and rng.random() < 0.7:
                        values[number] = self.tx
                for column in rng.sample(columns, rng.choice((1, 2, 3))):
                    values[column] = self.other(values[column])
                yield self.insert(table, **values)

    def read(self) -> Iterator[Statement]:
        ((row,),) = self.all("SELECT count(*) FROM rows WHERE run = 1")
        yield self.insert(
            "rows", run=1, row=row, source=0, idx=row + self.rng.choice((0, 0, 5)), valid=1, digest=DIGEST, data=b"{}",
            **self.stamp(),
        )  # fmt: skip
        yield self.insert("tokens", run=1, row=row, token=0, edge=0, digest=DIGEST, **self.stamp(1))

    def fork(self) -> Iterator[Statement]:
        yield from self.children("forked", "fork")

    def expand(self) -> Iterator[Statement]:
        yield from self.children("expanded", "expand")

    def children(self, outcome: str, kind: str) -> Iterator[Statement]:
        found = self.living()
        if found is None:
            return
        row, parent = found
        rng, first, count = self.rng, self.new(row), self.rng.choice((1, 2, 2, 3))
        names = ["a", "b", "c", "1"][:count] if rng.random() < 0.8 else ["1", "1", "a,b"][:count]
        written = count + rng.choice((0, 0, 0, 0, 1, -1))
        if rng.random() < 0.5:
            yield self.insert(
                "visits", run=1, row=row, token=parent, node=rng.choice((1, 1, 1, 9)), attempt=0, status="completed",
                opened=self.next(), closed=self.next(), opened_tx=self.tx, tx=self.tx, opened_at=0, at=0,
            )  # fmt: skip
        for place in range(written):
            yield self.insert(
                "tokens", run=1, row=row, token=first + place, group_kind=kind, parent=parent, edge=1, **self.stamp(1),
                branch=(names[place] if place < len(names) else "c") if kind == "fork" else None,
            )  # fmt: skip
        listed = ",".join(f'"{name}"' if rng.random() < 0.95 else name for name in names)
        promised = (
            f"[{listed}]" if kind == "fork" else rng.choice((str(count), str(count), f"{count}junk", f"{count}.9"))
        )
        stamp = self.stamp()
        yield self.insert(
            "fates", run=1, row=row, token=parent, outcome=outcome, promised=promised, first=first, last=first + count - 1,
            **stamp,
        )  # fmt: skip
        for place in range(written):
            yield self.insert(
                "parents",
                run=1,
                row=row,
                child=first + place,
                parent=parent,
                parent_row=row,
                ordinal=place,
                **self.stamp(),
            )

    def merge(self) -> Iterator[Statement]:
        """Two living siblings become one token, whether or not the pipeline would."""
        found = self.living()
        if found is None:
            return
        row, first = found
        others = self.all(
            "SELECT token FROM tokens AS t WHERE run = 1 AND row = ? AND token <> ? AND NOT EXISTS"
            " (SELECT 1 FROM fates AS f WHERE f.run = 1 AND f.row = t.row AND f.token = t.token)", row, first,
        )  # fmt: skip
        parents = sorted([first, *(token for (token,) in others[:1])])
        merged = self.new(row)
        yield self.insert(
            "tokens", run=1, row=row, token=merged, group_kind="join", parent=parents[0], edge=1, digest=DIGEST, data=b"{}",
            **self.stamp(1),
        )  # fmt: skip
        for parent in parents:
            yield self.insert("fates", run=1, row=row, token=parent, outcome="coalesced", merged=merged, **self.stamp())
        for place, parent in enumerate(parents):
            yield self.insert(
                "parents", run=1, row=row, child=merged, parent=parent, parent_row=row, ordinal=place, **self.stamp()
            )
        yield self.insert(
            "barriers", run=1, node=3, row=row, fork=0, verdict="merged", trigger="arrival", arrived="a,b", lost="",
            first_at=0, decided_at=0, result=merged, **self.stamp(),
        )  # fmt: skip
        origins = self.rng.choice(('[["v","a","d",true]]', "not json", "[1]", "{}", '[["v","a","d",1]]'))
        yield self.insert("merges", run=1, row=row, token=merged, origins=origins, **self.stamp(1))

    def batch(self) -> Iterator[Statement]:
        """A batch of one or two living tokens, from its opening to its end or to the middle of it."""
        tokens = {self.living() for _ in range(self.rng.choice((1, 2)))} - {None}
        ((number,),) = self.all("SELECT coalesce(max(batch), -1) + 1 FROM batches WHERE run = 1 AND node = 5")
        yield self.insert("batches", run=1, node=5, batch=number, status="open", attempt=0, opened_at=0, **self.stamp())
        for ordinal, (row, token) in enumerate(sorted(tokens)):
            yield self.insert(
                "visits", run=1, row=row, token=token, node=5, attempt=0, status="held", opened=self.next(),
                opened_tx=self.tx, tx=self.tx, opened_at=0, at=0,
            )  # fmt: skip
            yield self.insert(
                "members", run=1, node=5, batch=number, ordinal=ordinal, row=row, token=token, **self.stamp(1)
            )
        if self.rng.random() < 0.4:
            return
        yield from self.ended_batch(number, sorted(tokens))

    def ended_batch(self, number: int, members: list[tuple[int, int]]) -> Iterator[Statement]:
        outcome = self.rng.choice(("failed", "consumed_in_batch"))
        for row, token in members:
            yield (
                "UPDATE visits SET status = 'completed', closed = ?, tx = ? WHERE run = 1 AND row = ? AND token = ?"
                " AND status = 'held'", (self.next(), self.tx, row, token),
            )  # fmt: skip
        if outcome == "consumed_in_batch" and members:
            row, parent = members[0]
            child = self.new(row)
            yield self.insert(
                "tokens", run=1, row=row, token=child, group_kind="batch", parent=parent, batch_node=5, batch=number, edge=1,
                digest=DIGEST, data=b"{}", **self.stamp(1),
            )  # fmt: skip
        for row, token in members:
            more = {"error": DIGEST, "reason": "batch_failed"} if outcome == "failed" else {}
            yield self.insert(
                "fates",
                run=1,
                row=row,
                token=token,
                outcome=outcome,
                batch_node=5,
                batch=number,
                **more,
                **self.stamp(),
            )
        if outcome == "consumed_in_batch" and members:
            row, parent = members[0]
            yield self.insert(
                "parents", run=1, row=row, child=self.new(row), parent=parent, parent_row=row, ordinal=0, **self.stamp()
            )
        status = "failed" if outcome == "failed" else "completed"
        yield (
            "UPDATE batches SET status = ?, trigger = 'count', outputs = ?, triggered_at = 0, seq = ?, tx = ?"
            " WHERE run = 1 AND node = 5 AND batch = ?",
            (status, 1 if outcome != "failed" else None, self.next(), self.tx, number),
        )

    def join_batch(self) -> Iterator[Statement]:
        """A member for a batch that may be over, or the end of a batch that may have no members."""
        found, batch = self.living(), self.any_of("SELECT batch FROM batches WHERE run = 1")
        if found is None or batch is None:
            return
        (number,) = batch
        if self.rng.random() < 0.5:
            ((ordinal,),) = self.all("SELECT count(*) FROM members WHERE run = 1 AND node = 5 AND batch = ?", number)
            yield self.insert(
                "members", run=1, node=5, batch=number, ordinal=ordinal, row=found[0], token=found[1], **self.stamp(1)
            )
        else:
            yield from self.ended_batch(number, [])

    def visit(self) -> Iterator[Statement]:
        found = self.living()
        if found is None:
            return
        row, token = found
        status = self.rng.choice(("open", "held", "completed", "failed", "interrupted"))
        closed = status not in ("open", "held") or self.rng.random() < 0.1
        yield self.insert(
            "visits", run=1, row=row, token=token, node=self.rng.randrange(8), attempt=0, status=status, opened=self.next(),
            closed=self.next() if closed else None, edge=self.rng.choice((None, None, self.edge(), 99)),
            opened_tx=self.tx, tx=self.tx, opened_at=0, at=0,
        )  # fmt: skip
        self.seq += 1

    def fail(self) -> Iterator[Statement]:
        """The end of a token, with whatever is open closed before it, or not."""
        found = self.any_of(
            "SELECT row, token FROM tokens AS t WHERE run = 1 AND NOT EXISTS (SELECT 1 FROM fates AS f WHERE f.run = 1"
            " AND f.row = t.row AND f.token = t.token)"
        )
        if found is None:
            return
        row, token = found
        if self.rng.random() < 0.8:
            yield (
                "UPDATE visits SET status = 'failed', closed = ?, tx = ? WHERE run = 1 AND row = ? AND token = ?"
                " AND status IN ('open', 'held')", (self.next(), self.tx, row, token),
            )  # fmt: skip
        yield self.insert(
            "fates", run=1, row=row, token=token, outcome=self.rng.choice(("failed", "failed", "completed", "discarded")),
            error=self.rng.choice((DIGEST, DIGEST, b"", None)), reason="node_failed",
            sink=self.rng.choice((None, None, 6, 99)), **self.stamp(),
        )  # fmt: skip

    def source_end(self) -> Iterator[Statement]:
        yield (
            "UPDATE runs SET rows = (SELECT count(*) FROM rows WHERE run = 1) + ?, seq = ?, tx = ?, last_seq = ?, last_tx = ?"
            " WHERE run = 1", (0, self.next(), self.tx, self.seq, self.tx),
        )  # fmt: skip

    def end(self) -> Iterator[Statement]:
        """Everything that still lives fails, and the run is over."""
        if self.rng.random() < 0.7:
            return
        for row, token in self.all(
            "SELECT row, token FROM tokens AS t WHERE run = 1 AND NOT EXISTS (SELECT 1 FROM fates AS f WHERE f.run = 1"
            " AND f.row = t.row AND f.token = t.token)"
        ):
            yield (
                "UPDATE visits SET status = 'failed', closed = ?, tx = ? WHERE run = 1 AND row = ? AND token = ?"
                " AND status IN ('open', 'held')", (self.next(), self.tx, row, token),
            )  # fmt: skip
            yield self.insert(
                "fates",
                run=1,
                row=row,
                token=token,
                outcome="failed",
                error=DIGEST,
                reason="node_failed",
                **self.stamp(),
            )
        for batch in self.all("SELECT batch FROM batches WHERE run = 1 AND status IN ('open', 'triggered')"):
            yield from self.ended_batch(batch[0], [])
        yield from self.source_end()
        yield (
            "UPDATE runs SET status = 'completed', seq = ?, tx = ?, last_seq = ?, last_tx = ? WHERE run = 1",
            (self.next(), self.tx, self.seq, self.tx),
        )


def judged(episode: Episode, folder: Path) -> Found:
    """What the audit says of the landscape of an episode."""
    file = folder / "fuzzed.db"
    file.unlink(missing_ok=True)
    file.write_bytes(episode.conn.serialize())
    try:
        result = audit(Wanted(file, find_adapter(file, None)))
    except BadSource as error:
        return Found({UNREADABLE: 1}, [str(error)], episode.committed)
    laws = {law: count for law, count in result.breached.items() if count}
    said = [str(breach) for breach in result.judged.breaches] if laws else []
    return Found(laws, said, episode.committed)


def fuzz(scene: bytes, folder: Path, seeds: range, tally: Tally) -> Iterator[tuple[int, Found]]:
    """One episode for each seed, with foreign keys on and off in turns; those in which something promised is broken."""
    for seed in seeds:
        episode = Episode(scene, seed, seed % 2 == 0, tally)
        episode.run()
        found = judged(episode, folder)
        episode.conn.close()
        if (PROMISED | {UNREADABLE}) & set(found.laws):
            yield seed, found

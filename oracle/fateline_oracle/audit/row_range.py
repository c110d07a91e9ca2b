"""Checks one range of rows: loads its records into temporary tables, and asks every query about them.

The problem
-----------
A query such as "a token with two fates" joins relations over a whole run. On a database of millions of rows, in a
schema that we do not know and must not index, such joins are slow or need much memory. But nearly every law is about
one row: a token's parents, visits and fates belong to the same row. So a run is cut into ranges of rows, and each range
is checked by itself.

How it works
------------
1. `load` copies the records of a range from the adapter's views `given_<relation>` into the tables
   `slice.trail_<relation>`. They have the indexes that the queries need (`KEYS`). A run is a number here, its place in
   `runs`, because numbers are faster.
2. `_derive` fills the tables that several laws share: those of the graph once for each run (`OF_THE_GRAPH`), those of
   the rows for each range (`OF_THE_ROWS`).
3. `judge` asks every query whose unit is a row. Each returned row is a breach. A query is counted as asked once for
   each thing that it is about (`ASKED`: fates, visits, ...); if there are none, it is not asked.
4. What crosses ranges is kept for later in the tables `cross_range.*` (`CROSS_RANGE_TABLES`): how each member of a
   batch ended, the outputs of batches, parents that are not in the range of their child, and how far each source was
   read. `whole.py` collects them from all workers and asks the queries about batches and runs.

The query text is the one in `sql/`, with one change: `placed` puts `slice.` before the names of our tables, so that a
table of the database with the same name is never read by mistake.

An example
----------
Rows 0 to 3,999 of run `r`. The adapter gives 9,000 tokens, 21,000 visits and so on. `F1.sql` returns `('r', 'row 17',
...)` for a token with two fates: a `Breach` with its row, found by `_row_of`. Token 2,001 has a parent that is in no
row of this range: it goes to `unresolved_parents`. Later `L2`, `L3` and `L4` ask whether that parent is in another row,
in another run, or nowhere.

State between two ranges
------------------------
- `slice.trail_*` and the tables derived from them hold exactly the range that was loaded last.
- `_run` is the run whose graph is loaded.
- `cross_range.*` only grows, and has the rows of all ranges of this worker.
- `_needed` has the columns, `relation.column`, in which no value was seen yet. A column without any value counts as not
  recorded.

A query may take `patience` seconds for one range; then it is given up and the law is undetermined. Memory is bounded by
the size of a range.

Not here: which ranges there are (`whole.py`).
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ..limits import Allowance
from .queries import OF_THE_GRAPH, OF_THE_ROWS, Query, outcome_rules, placed, queries, shared
from .source import COLUMNS, OF_ROWS, WHOLE, Range, Source

KEYS: Final = {
    "rows": ("row",),
    "tokens": ("token", "row"),
    "parents": ("child", "parent"),
    "visits": ("token, node, attempt", "visit"),
    "hops": ("token", "from_visit"),
    "outcomes": ("token",),
    "barriers": ("fork_group", "result", "barrier"),
    "losses": ("barrier", "token"),
    "merges": ("token, field",),
    "members": ("token",),
    "nodes": ("node",),
    "edges": ("src, label",),
    "batches": ("batch",),
    "runs": (),
}
"""The indexed columns of each relation, after the run."""

CROSS_RANGE_TABLES: Final = {
    "ends": (
        "run, batch, token, row, ordinal, seq, fate, reason, fate_batch, went_on, known",
        'SELECT m.run, m.batch, m.token, t."row", m.ordinal, m.seq, f.outcome, f.reason, f.batch, EXISTS ('
        "SELECT 1 FROM trail_hops AS h JOIN settings AS s ON s.run = h.run AND s.node = h.src AND s.kind = 'aggregation' "
        "WHERE h.run = m.run AND h.token = m.token AND h.from_visit IS NOT NULL), t.token IS NOT NULL "
        "FROM trail_members AS m LEFT JOIN trail_tokens AS t ON t.run = m.run AND t.token = m.token "
        "LEFT JOIN fates AS f ON f.run = m.run AND f.token = m.token",
    ),
    "outputs": (
        "run, batch, token, parent, ordinal",
        'SELECT t.run, t."group", t.token, l.parent, l.ordinal FROM trail_tokens AS t '
        "LEFT JOIN trail_parents AS l ON l.run = t.run AND l.child = t.token WHERE t.group_kind = 'batch'",
    ),
    "unresolved_parents": (
        "run, child, row, parent",
        'SELECT run, child, "row", parent FROM links WHERE parent_known IS NULL',
    ),
    "read_ranges": (
        "run, source, part, first_idx, last_idx",
        "SELECT run, source, min(part), min(idx), max(idx) FROM trail_rows WHERE idx IS NOT NULL GROUP BY run, source",
    ),
}
"""What is kept for the queries about batches and runs: for each table its columns, and the query that fills it."""

ASKED: Final = {
    "fates": "SELECT count(*) FROM fates",
    "tokens": "SELECT count(*) FROM trail_tokens",
    "outcomes": "SELECT count(*) FROM trail_outcomes",
    "buffered": "SELECT count(*) FROM trail_outcomes WHERE outcome = 'buffered'",
    "delegations": "SELECT count(*) FROM fates WHERE outcome IN ('forked', 'expanded', 'coalesced')",
    "forks": "SELECT count(*) FROM trail_tokens WHERE group_kind = 'fork'",
    "expansions": "SELECT count(*) FROM trail_tokens WHERE group_kind = 'expand'",
    "joins": "SELECT count(*) FROM trail_tokens WHERE group_kind = 'join'",
    "roots": "SELECT count(*) FROM trail_tokens WHERE group_kind IS NULL",
    "parents": "SELECT count(*) FROM trail_parents",
    "rows": "SELECT count(*) FROM trail_rows",
    "visits": "SELECT count(*) FROM trail_visits",
    "hops": "SELECT count(*) FROM trail_hops",
    "barriers": "SELECT count(*) FROM trail_barriers",
    "losses": "SELECT count(*) FROM trail_losses",
    "merges": "SELECT count(*) FROM trail_merges",
    "members": "SELECT count(*) FROM trail_members",
    "arrivals": "SELECT count(*) FROM trail_visits WHERE node IN (SELECT node FROM settings WHERE kind = 'coalesce')",
    "writes": "SELECT count(*) FROM trail_visits WHERE node IN (SELECT node FROM settings WHERE kind = 'sink')",
}
"""The things that a query may be about, and how many there are. `records` is the sum of all relations."""


_UNFINISHED: Final = """
SELECT DISTINCT t.part FROM trail_tokens AS t WHERE t.part IS NOT NULL AND (
    NOT EXISTS (SELECT 1 FROM fates AS f WHERE f.run = t.run AND f.token = t.token)
    OR EXISTS (
        SELECT 1 FROM trail_visits AS v
        WHERE v.run = t.run AND v.token = t.token AND v.status IN ('open', 'held')))
"""


class Breach(NamedTuple):
    """One row returned by a query."""

    query: str
    law: str
    run: str
    row: str | None
    token: str | None
    node: str | None
    said: str
    part: int | None = None
    """The number by which its row is found again."""


@dataclass
class RangeResult:
    """The result for one range, or for all ranges together."""

    records: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    breached: Counter[str] = field(default_factory=Counter)
    breaches: list[Breach] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    """The columns that have a value, as `relation.column`."""
    gave_up: dict[str, str] = field(default_factory=dict)
    _held: Counter[str] = field(default_factory=Counter)

    def add(self, other: "RangeResult", kept: int) -> None:
        self.records.update(other.records)
        self.checked.update(other.checked)
        self.breached.update(other.breached)
        for breach in other.breaches:
            self._held[breach.query] += 1
            if self._held[breach.query] <= kept:
                self.breaches.append(breach)
        self.seen |= other.seen
        self.gave_up.update(other.gave_up)


class RangeWorker:
    """Owns the temporary tables of one connection, and fills them with one range after the other."""

    def __init__(self, source: Source, laws: frozenset[str] | None, patience: float, kept: int) -> None:
        self.source, self.conn, self.kept, self.patience = source, source.conn, kept, patience
        self.queries = [query for query in queries() if laws is None or query.law in laws]
        self.runs = source.runs()
        """In the temporary tables a run is a number: its place in this list."""
        self._run: str | None = None
        self._needed = {need for query in self.queries for need in query.needs if "." in need}
        self._make()

    def _make(self) -> None:
        self.conn.execute("CREATE TABLE slice.run_numbers (name PRIMARY KEY, number) WITHOUT ROWID")
        self.conn.executemany("INSERT INTO slice.run_numbers VALUES (?, ?)", [(r, n) for n, r in enumerate(self.runs)])
        for relation, columns in COLUMNS.items():
            named = [f'"{column}"' for column in (*columns, "part")]
            self.conn.execute(f"CREATE TABLE slice.trail_{relation} ({', '.join(named)})")
            for number, key in enumerate(KEYS[relation]):
                self.conn.execute(f"CREATE INDEX slice.trail_{relation}_{number} ON trail_{relation} (run, {key})")
        self.conn.execute(
            'CREATE TABLE slice.outcome_rules (outcome PRIMARY KEY, sink, error, reason, batch, "group", promised)'
        )
        self.conn.executemany(
            "INSERT INTO slice.outcome_rules VALUES (?, ?, ?, ?, ?, ?, ?)",
            outcome_rules(self.source.columns.get("outcomes", ())),
        )
        for name in (*OF_THE_GRAPH, *OF_THE_ROWS):
            one = shared(name)
            self.conn.execute(f"CREATE TABLE slice.{name} AS SELECT * FROM ({placed(one.sql)}) LIMIT 0")
            for number, columns in enumerate(one.keys):
                self.conn.execute(f"CREATE INDEX slice.{name}_{number} ON {name} ({', '.join(columns)})")

    # ------------------------------------------------------------------------------------------------ loading

    def begin(self, run: str) -> None:
        """Load the run itself and its graph."""
        if run == self._run:
            return
        self._run = run
        for relation in ("runs", "nodes", "edges"):
            self._load_relation(relation, "run = ?", (run,))
        for name in OF_THE_GRAPH:
            self._derive(name)

    def load(self, piece: Range) -> Counter[str]:
        """Load the records of a range. Returns the number of records of each relation."""
        self.begin(piece.run)
        where, values = piece.where()
        found = Counter({relation: self._load_relation(relation, where, values) for relation in OF_ROWS})
        if found.total():
            for name in OF_THE_ROWS:
                self._derive(name)
        return found

    def _load_relation(self, relation: str, where: str, values: Sequence[object]) -> int:
        self.conn.execute(f"DELETE FROM slice.trail_{relation}")
        if relation not in self.source.columns:
            return 0
        own = [f'"{column}"' for column in self.source.columns[relation] if column != "run"]
        number = (
            "(SELECT number FROM slice.run_numbers WHERE name = run)"
            if where == "true"
            else str(self.runs.index(str(values[0])))
        )
        return self.conn.execute(
            f"INSERT INTO slice.trail_{relation} ({', '.join(['run', *own])}) "
            f"SELECT {', '.join([number, *own])} FROM given_{relation} WHERE {where}",
            values,
        ).rowcount

    def _derive(self, name: str) -> None:
        self.conn.execute(f"DELETE FROM slice.{name}")
        self.conn.execute(f"INSERT INTO slice.{name} {placed(shared(name).sql)}")

    def whole_graph(self) -> None:
        """Load the graphs of all runs, and derive the tables of the graph."""
        for relation in ("runs", "nodes", "edges"):
            self._load_relation(relation, "true", ())
        for name in OF_THE_GRAPH:
            self._derive(name)

    def whole(self) -> None:
        """Load what the queries about batches and runs need: all runs, nodes, edges and batches."""
        for relation in WHOLE:
            self._load_relation(relation, "true", ())
        self._derive("settings")

    # ------------------------------------------------------------------------------------------------ judging

    def judge(self, piece: Range) -> RangeResult:
        """Ask every query about rows in one range."""
        found = RangeResult(records=self.load(piece))
        if not found.records.total():
            return found
        self.see(found)
        counts = self._counts(found.records)
        for query in self.queries:
            if query.unit == "row" and counts[query.asked]:
                found.checked[query.name] += counts[query.asked]
                self.ask(query, found)
        for name, (columns, origin) in CROSS_RANGE_TABLES.items():
            self.conn.execute(f"INSERT INTO cross_range.{name} ({columns}) {placed(origin)}")
        return found

    def unfinished(self) -> list[int]:
        """The rows of the range that have not ended: they have a token without a fate, or an open visit."""
        return [int(part) for (part,) in self.conn.execute(placed(_UNFINISHED))]

    def _counts(self, records: Counter[str]) -> Counter[str]:
        counts = Counter({name: int(self.conn.execute(placed(sql)).fetchone()[0]) for name, sql in ASKED.items()})
        counts["records"] = records.total()
        return counts

    def see(self, found: RangeResult) -> None:
        """Note which of the needed columns have a value."""
        for need in sorted(self._needed):
            relation, column = need.split(".")
            if self.conn.execute(
                f'SELECT 1 FROM slice.trail_{relation} WHERE "{column}" IS NOT NULL LIMIT 1'
            ).fetchone():
                found.seen.add(need)
        self._needed -= found.seen

    def ask(self, query: Query, found: RangeResult) -> None:
        """Ask one query, for at most `patience` seconds."""
        allowed = Allowance(self.patience)
        self.conn.set_progress_handler(lambda: not allowed.left(), 100_000)
        try:
            for breach in self._returned(query):
                found.breached[query.name] += 1
                if found.breached[query.name] <= self.kept:
                    found.breaches.append(breach)
        except sqlite3.OperationalError as error:
            if "interrupted" not in str(error):
                raise
            found.gave_up[query.name] = f"one query took longer than {self.patience:g} s; --patience allows more"
        finally:
            self.conn.set_progress_handler(None, 0)

    def _returned(self, query: Query) -> Iterator[Breach]:
        for run, token, node, said in self.conn.execute(placed(query.sql)):
            row, part = self._row_of(token)
            yield Breach(
                query.name,
                query.law,
                self.runs[run],
                text_of(row),
                text_of(token),
                text_of(node),
                str(said)[:600],
                part,
            )

    def _row_of(self, token: object) -> tuple[object, int | None]:
        found = None
        if token is not None:
            sql = 'SELECT "row", part FROM slice.trail_tokens WHERE token = ? LIMIT 1'
            found = self.conn.execute(sql, (token,)).fetchone()
        return found or (None, None)


def text_of(value: object) -> str | None:
    """A value as text of bounded length."""
    return None if value is None else str(value)[:200]

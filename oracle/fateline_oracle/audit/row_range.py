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
4. What crosses ranges is kept for later in the tables `cross_range.*` (`queries.CROSS_RANGE_TABLES`): how each member of a
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
- `slice.gaps` has the gaps of the run that is loaded, and of the range (`evidence.py`).
- `_unseen` has the columns in which no value was seen yet, of those that are then not recorded.

A query may take `patience` seconds for one range; then it is given up and the law is undetermined. Memory is bounded by
the size of a range.

Not here: which ranges there are (`whole.py`).
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from fateline_console.terminal import harmless

from .connect import TookTooLong, bounded
from .evidence import GRAPH, MEANINGFUL_ABSENCE, find_gaps, given
from .queries import (
    CROSS_RANGE_TABLES,
    OF_THE_GRAPH,
    OF_THE_ROWS,
    Query,
    needed_tables,
    outcome_rules,
    placed,
    queries,
    shared,
)
from .source import COLUMNS, OF_ROWS, WHOLE, Range, Source, read_as

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

OF_UNKNOWN_ROW: Final = frozenset({"barriers", "losses"})
"""Relations of which a record may lack what says of which row it is."""
_ENDED: Final = "JOIN trail_runs AS r ON r.run = x.run AND r.status = 'completed'"
_FATE: Final = "x.outcome IS DISTINCT FROM 'buffered'"
ASKED: Final = {
    "fates": f"trail_outcomes AS x WHERE {_FATE}",
    "tokens": "trail_tokens AS x",
    "tokens of ended runs": f"trail_tokens AS x {_ENDED}",
    "rows of ended runs": f"trail_rows AS x {_ENDED}",
    "outcomes": "trail_outcomes AS x",
    "buffered": "trail_outcomes AS x WHERE x.outcome = 'buffered'",
    "delegations": "trail_outcomes AS x WHERE x.outcome IN ('forked', 'expanded', 'coalesced')",
    "forked": "trail_outcomes AS x WHERE x.outcome = 'forked'",
    "expanded": "trail_outcomes AS x WHERE x.outcome = 'expanded'",
    "coalesced": "trail_outcomes AS x WHERE x.outcome = 'coalesced'",
    "forks": "trail_tokens AS x WHERE x.group_kind = 'fork'",
    "forks of ended runs": f"trail_tokens AS x {_ENDED} WHERE x.group_kind = 'fork'",
    "expansions": "trail_tokens AS x WHERE x.group_kind = 'expand'",
    "joins": "trail_tokens AS x WHERE x.group_kind = 'join'",
    "roots": "trail_tokens AS x WHERE x.group_kind IS NULL",
    "parents": "trail_parents AS x",
    "rows": "trail_rows AS x",
    "visits": "trail_visits AS x",
    "visits of ended runs": f"trail_visits AS x {_ENDED}",
    "hops": "trail_hops AS x",
    "barriers": "trail_barriers AS x",
    "failed barriers": "trail_barriers AS x WHERE x.verdict = 'failed'",
    "losses": "trail_losses AS x",
    "merges": "trail_merges AS x",
    "members": "trail_members AS x",
    "arrivals": "trail_visits AS x WHERE x.node IN (SELECT s.node FROM settings AS s WHERE s.kind = 'coalesce')",
    "writes": "trail_visits AS x WHERE x.node IN (SELECT s.node FROM settings AS s WHERE s.kind = 'sink')",
}
"""The things that a question may be about: where they are. Besides, a question about batches or runs is asked of `batches`,
`runs`, `ended runs`, `members` or `parents`."""


LIKE_A_GRAPH: Final = (20, 2)
LIKE_A_RANGE: Final = (100_000, 4)
"""For the planner: how many records a table has, and how many have the same key. All are of one run."""


_WITHOUT_END: Final = """
SELECT coalesce(
    (SELECT v.node FROM trail_visits AS v WHERE v.run = t.run AND v.token = t.token ORDER BY v.opened DESC LIMIT 1),
    (SELECT h.dst FROM trail_hops AS h WHERE h.run = t.run AND h.token = t.token LIMIT 1)), count(*)
FROM trail_tokens AS t JOIN trail_runs AS r ON r.run = t.run AND r.status IS DISTINCT FROM 'completed'
WHERE NOT EXISTS (SELECT 1 FROM fates AS f WHERE f.run = t.run AND f.token = t.token) GROUP BY 1
"""
"""In a run that is not over: where the tokens are that have no fate, and how many."""
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
    unknown: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By query and by what it needs: how often there was no answer because that was not recorded."""
    without_end: Counter[str] = field(default_factory=Counter)
    """In a run that is not over: the nodes at which tokens without a fate are, and how many."""
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
        self.unknown.update(other.unknown)
        self.without_end.update(other.without_end)
        self.gave_up.update(other.gave_up)


class RangeWorker:
    """Owns the temporary tables of one connection, and fills them with one range after the other."""

    def __init__(self, source: Source, laws: frozenset[str] | None, patience: float, kept: int) -> None:
        self.source, self.conn, self.kept, self.patience = source, source.conn, kept, patience
        self.queries = [query for query in queries() if source.adapter.asks(query.law, laws)]
        self.runs = source.runs()
        """In the temporary tables a run is a number: its place in this list."""
        self.given_up = dict(source.slow)
        """The relations and shared tables that were not read, because it took too long, and the sentence about each."""
        self.one_transaction = False
        """True if everything is read in one transaction, which its owner begins and ends."""
        self._run: str | None = None
        self._counted: dict[str, int] = {}
        """How many things of each kind the range has, as far as that was asked."""
        self._needed = sorted({need for query in self.queries for need in query.needs if "." in need})
        self._unseen = {need for need in self._needed if need in MEANINGFUL_ABSENCE}
        self._make()

    def _make(self) -> None:
        self.conn.execute("CREATE TABLE slice.run_numbers (name PRIMARY KEY, number) WITHOUT ROWID")
        self.conn.execute("CREATE TABLE slice.gaps (run, part, need)")
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
        self._say_what_they_will_hold()

    def _say_what_they_will_hold(self) -> None:
        """Give the planner of SQLite statistics of the tables, which are still empty.

        Without them it takes ten records for a whole run. Then it prefers `from_visit IS NOT NULL` to the token, and walks
        through the run for each token of it.
        """
        self.conn.execute("ANALYZE slice")  # makes the table of statistics
        self.conn.execute("DELETE FROM slice.sqlite_stat1")
        indexes = "SELECT tbl_name, name, sql FROM slice.sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"
        for table, name, sql in self.conn.execute(indexes).fetchall():
            records, alike = LIKE_A_GRAPH if table.removeprefix("trail_") in (*WHOLE, *OF_THE_GRAPH) else LIKE_A_RANGE
            numbers = [records, records, *([alike] * str(sql).count(","))]
            self.conn.execute(
                "INSERT INTO slice.sqlite_stat1 VALUES (?, ?, ?)", (table, name, " ".join(map(str, numbers)))
            )
        self.conn.execute("ANALYZE slice.sqlite_schema")  # reads it again

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
        self.conn.execute("DELETE FROM slice.gaps")
        if not self.source.adapter.whole:
            self._gaps(("runs", *GRAPH))
            for relation in ("nodes", "edges"):
                self.conn.execute(
                    "INSERT INTO slice.gaps SELECT number, NULL, ? FROM slice.run_numbers WHERE name = ? "
                    f"AND NOT EXISTS (SELECT 1 FROM slice.trail_{relation})",
                    (relation, run),
                )
            for relation in OF_UNKNOWN_ROW & set(self.source.columns):  # its record could be of any row
                if self.source.without_row(relation, run):
                    self.conn.execute("INSERT INTO slice.gaps VALUES (?, NULL, ?)", (self.runs.index(run), relation))

    def _gaps(self, relations: Sequence[str]) -> None:
        """Find the gaps in relations that are loaded; columns that no view gives are known without looking."""
        find_gaps(self.conn, [need for need in self._needed if given(need, self.source.columns)], relations)

    def load(self, piece: Range) -> Counter[str]:
        """Load the records of a range. Returns the number of records of each relation."""
        self.source.fetch(piece)
        self.begin(piece.run)
        self._counted.clear()
        where, values = piece.where()
        found = Counter({relation: self._load_relation(relation, where, values) for relation in OF_ROWS})
        self.conn.execute("DELETE FROM slice.gaps WHERE part IS NOT NULL")
        if found.total():
            if not self.source.adapter.whole:
                self._gaps(OF_ROWS)
            for name in OF_THE_ROWS:
                self._derive(name)
        return found

    def _load_relation(self, relation: str, where: str, values: Sequence[object]) -> int:
        self.conn.execute(f"DELETE FROM slice.trail_{relation}")
        if relation not in self.source.columns or relation in self.given_up:
            return 0
        own = [f'"{column}"' for column in self.source.columns[relation] if column != "run"]
        number = (
            "(SELECT number FROM slice.run_numbers WHERE name = run)"
            if where == "true"
            else str(self.runs.index(str(values[0])))
        )
        sql = (
            f"INSERT INTO slice.trail_{relation} ({', '.join(['run', *own])}) "
            f"SELECT {', '.join([number, *map(read_as, own)])} FROM given_{relation} WHERE {where}"
        )
        try:
            with bounded(self.conn, self.patience):
                return self.conn.execute(sql, values).rowcount
        except TookTooLong:  # nothing is said that needs it
            self.given_up[relation] = (
                f"the view trail_{relation} took longer than {self.patience:g} s; --patience allows more"
            )
            raise

    def _derive(self, name: str) -> None:
        self.conn.execute(f"DELETE FROM slice.{name}")
        if name in self.given_up:
            return
        try:
            with bounded(self.conn, self.patience):
                self.conn.execute(f"INSERT INTO slice.{name} {placed(shared(name).sql)}")
        except TookTooLong:
            self.given_up[name] = f"the table {name} took longer than {self.patience:g} s; --patience allows more"
            raise

    def without_answer(self) -> dict[str, str]:
        """The queries that need what was given up, and why."""
        return {
            query.name: self.given_up[name]
            for query in (self.queries if self.given_up else ())
            for name in {*query.needs, *needed_tables([query])} & set(self.given_up)
        }

    def forget(self) -> None:
        """Load the run again: its tables were taken back with the transaction."""
        self._run = None

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
        self.conn.execute("DELETE FROM slice.gaps")
        if not self.source.adapter.whole:
            self._gaps(("runs", "batches"))

    # ------------------------------------------------------------------------------------------------ judging

    def judge(self, piece: Range) -> RangeResult:
        """Ask every query about rows in one range."""
        found = RangeResult(records=self.load(piece))
        if not found.records.total() and not self.given_up:
            return found
        self.see(found)
        places = self.conn.execute(placed(_WITHOUT_END))
        found.without_end.update({text_of(node) or "no node": int(count) for node, count in places})
        gaps: dict[str, set[int | None]] = {relation: {None} for relation in self.given_up}
        found.gave_up.update(self.without_answer())
        for need, part in self.conn.execute("SELECT need, part FROM slice.gaps"):
            gaps.setdefault(need, set()).add(part)
        for query in self.queries:
            if query.unit == "row" and query.name not in found.gave_up:
                self._ask_of_rows(query, found, {need: gaps[need] for need in query.needs if need in gaps})
        for name, (columns, origin) in CROSS_RANGE_TABLES.items():
            self.conn.execute(f"INSERT INTO cross_range.{name} ({columns}) {placed(origin)}")
        self.conn.execute("INSERT INTO cross_range.gap_runs SELECT DISTINCT run, need FROM slice.gaps")
        return found

    def _ask_of_rows(self, query: Query, found: RangeResult, gaps: dict[str, set[int | None]]) -> None:
        """Ask a question of the rows that have no gap in what it needs, and count the rest."""
        asked = self._count(query.asked, found.records)
        if not asked:
            return
        left_out: set[int | None] = set()
        for need, parts in gaps.items():
            found.unknown[query.name, need] += (
                asked if None in parts else self._count(query.asked, found.records, parts)
            )
            left_out |= parts
        if None in left_out:
            return
        answered = asked - self._count(query.asked, found.records, left_out) if left_out else asked
        if answered:
            found.checked[query.name] += answered
            self.ask(query, found, left_out)

    def unfinished(self) -> list[int]:
        """The rows of the range that have not ended: they have a token without a fate, or an open visit."""
        return [int(part) for (part,) in self.conn.execute(placed(_UNFINISHED))]

    def _count(self, asked: str, records: Counter[str], parts: Collection[int | None] = ()) -> int:
        """How many things a question is about, or how many of them are in some rows."""
        if asked == "records":
            return records.total() if not parts else 0
        if not parts and asked in self._counted:
            return self._counted[asked]
        sql = f"SELECT count(*) FROM {ASKED[asked]}"
        if parts:
            numbers = ", ".join(str(part) for part in parts if part is not None)
            sql += f" {'AND' if ' WHERE ' in sql else 'WHERE'} x.part IN ({numbers})"
        found = int(self.conn.execute(placed(sql)).fetchone()[0])
        if not parts:
            self._counted[asked] = found
        return found

    def see(self, found: RangeResult) -> None:
        """Note which columns have a value, of those that are not recorded if none has."""
        for need in sorted(self._unseen):
            relation, column = need.split(".")
            if self.conn.execute(
                f'SELECT 1 FROM slice.trail_{relation} WHERE "{column}" IS NOT NULL LIMIT 1'
            ).fetchone():
                found.seen.add(need)
        self._unseen -= found.seen

    def ask(
        self, query: Query, found: RangeResult, left_out: Collection[int | None] = (), runs: Collection[str] = ()
    ) -> None:
        """Ask one query, for at most `patience` seconds. What it says of rows or runs that are left out is unknown."""
        try:
            with bounded(self.conn, self.patience):
                for breach in self._returned(query):
                    if breach.run in runs or (left_out and (breach.part is None or breach.part in left_out)):
                        continue
                    found.breached[query.name] += 1
                    if found.breached[query.name] <= self.kept:
                        found.breaches.append(breach)
        except TookTooLong:
            found.gave_up[query.name] = f"one query took longer than {self.patience:g} s; --patience allows more"

    def _returned(self, query: Query) -> Iterator[Breach]:
        for run, token, node, said in self.conn.execute(placed(query.sql)):
            row, part = self._row_of(run, token)
            yield Breach(
                query.name,
                query.law,
                self.runs[run],
                text_of(row),
                text_of(token),
                text_of(node),
                harmless(str(said)[:600]),
                part,
            )

    def _row_of(self, run: int, token: object) -> tuple[object, int | None]:
        found = None
        if token is not None:
            sql = 'SELECT "row", part FROM slice.trail_tokens WHERE run = ? AND token = ? LIMIT 1'
            found = self.conn.execute(sql, (run, token)).fetchone()
        return found or (None, None)


def text_of(value: object) -> str | None:
    """A value as text of bounded length that can be printed."""
    return None if value is None else harmless(str(value)[:200])

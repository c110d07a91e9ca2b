"""What a question needs to be answered, and where a trail lacks it.

The problem
-----------
A query that finds a token without a fate says "breached" of a trail that records no fates at all. A verdict needs evidence: a
question is *kept*, *broken*, or *unknown* because of something that is not recorded.

The idea
--------
1. `Reader.needs` computes what each question reads, from its SQL. SQLite names every column that a statement reads when it
   prepares it. The tables that laws share are followed to the columns of the relations that they are made of.
2. `EXPECTED` says for each column when a record must have a value in it. A record without the value has a *gap*.
3. While a range of rows is checked, the gaps are collected (`find_gaps`), by row. A question that needs a column is unknown
   for the rows with a gap in it. A gap in the graph is one for the whole run.
4. A relation without a single record, and a column that no view gives, is a gap everywhere.

An example
----------
`V5` reads `visits.attempt`. In row 7 one visit does not say which attempt it is: `V5` is asked of all rows but row 7, and the
report says "not judged: parts of V5: not recorded: visits.attempt".

An engine whose adapter declares `Whole:` records everything, so nothing of this applies: an empty column means that nothing
happened. Not here: the questions (`queries.py`), and who asks them (`row_range.py`, `whole.py`).
"""

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Final

from fateline_model.records import COMMON_COLUMNS, RELATIONS
from fateline_model.words import OUTCOMES

from .connect import quoted

ALWAYS: Final = "true"


def _outcomes_with(field: str) -> str:
    words = ", ".join(f"'{outcome}'" for outcome, rule in OUTCOMES.items() if field in rule.must)
    return f"x.outcome IN ({words})"


_CLOSED: Final = "x.status IN ('completed', 'failed', 'interrupted')"
_UNCONFIGURED: Final = "NOT x.configured AND x.kind IN ('coalesce', 'aggregation', 'transform')"
"""A setting that may be absent from a configuration is unknown if there is no configuration."""
_MADE: Final = "EXISTS (SELECT 1 FROM slice.trail_parents AS p WHERE p.run = x.run AND p.child = x.token)"

EXPECTED: Final[Mapping[str, str]] = {
    "runs.rows": "x.status = 'completed'",
    "tokens.branch": "x.group_kind = 'fork'",
    "tokens.group_kind": f'(x."group" IS NOT NULL OR x.branch IS NOT NULL OR {_MADE})',
    "tokens.group": f"(x.group_kind IS NOT NULL OR x.branch IS NOT NULL OR {_MADE})",
    "visits.verdict": "x.status IN ('completed', 'failed') AND x.node NOT IN (SELECT s.node FROM slice.settings AS s "
    "WHERE s.run = x.run AND s.kind IN ('coalesce', 'aggregation'))",
    "visits.digest_out": "x.status = 'completed'",
    "visits.closed": _CLOSED,
    "hops.from_visit": "(EXISTS (SELECT 1 FROM slice.trail_visits AS v WHERE v.run = x.run AND v.token = x.token "
    "AND v.node = x.src) OR 1 < (SELECT count(*) FROM slice.trail_hops AS h WHERE h.run = x.run AND h.token = x.token "
    "AND coalesce(h.from_visit, '') = ''))",  # written so that the index on the token is used
    "outcomes.sink": _outcomes_with("sink"),
    "outcomes.error": _outcomes_with("error"),
    "outcomes.reason": f"({_outcomes_with('reason')} OR x.outcome = 'failed')",
    "outcomes.batch": _outcomes_with("batch"),
    "outcomes.group": _outcomes_with("group"),
    "outcomes.promised": _outcomes_with("promised"),
    "barriers.reason": "x.verdict = 'failed'",
    "barriers.result": "x.verdict = 'merged'",
    "batches.trigger": "x.status <> 'open'",
    "batches.outputs": "x.status = 'completed'",
    "settings.policy": "x.kind = 'coalesce'",
    "settings.branches": "x.kind = 'coalesce'",
    "settings.n": "x.kind = 'coalesce'",
    "settings.quorum": "x.kind = 'coalesce' AND x.policy = 'quorum'",
    "settings.merge": "x.kind = 'coalesce'",
    "settings.attempts": "x.kind IN ('transform', 'sink')",
    "settings.timeout": _UNCONFIGURED,
    "settings.collisions": _UNCONFIGURED,
    "settings.expands": _UNCONFIGURED,
    "settings.count_trigger": _UNCONFIGURED,
    "settings.condition_trigger": _UNCONFIGURED,
    "settings.select_branch": "x.kind = 'coalesce' AND x.merge = 'select'",
}
"""When a record must have a value in a column, in SQL about the record `x`. A column that is not listed: always."""
MEANINGFUL_ABSENCE: Final = {"tokens.group_kind": "parents", "tokens.group": "parents", "hops.from_visit": "visits"}
"""An empty value in these says something of its own: a root token, a first hop. They are recorded only if some record has a
value, and if the relation is recorded that shows where one is missing."""
PARTIAL: Final = {"settings": ("nodes", ("run", "node")), "fates": ("outcomes", ("run", "token", "outcome"))}
"""Shared tables of which a gap is one by itself: a setting that the configuration lacks; a field of a fate, whatever the
`buffered` before it says. For each the relation behind it, and the columns that are always there."""
GRAPH: Final = ("nodes", "edges", "settings")
"""A gap in these concerns all rows of their run."""
_MARK: Final = re.compile(r"^\s*-- (Asked of|May lack): (.*)$", re.M)


def optional_column(relation: str, column: str) -> bool:
    """True if a record of the relation may lack the column."""
    return column in COMMON_COLUMNS or column in RELATIONS[relation]._field_defaults


def marks(sql: str) -> tuple[str, dict[str, str]]:
    """A query without the lines that declare something about it, and what they declare."""
    return _MARK.sub("", sql).strip(), dict(_MARK.findall(sql))


class Reader:
    """Prepares statements on empty tables, and says which columns they read."""

    def __init__(self, tables: Mapping[str, Iterable[str]]) -> None:
        self._conn = sqlite3.connect(":memory:", cached_statements=0)
        self._lineage: dict[str, dict[str, frozenset[str]]] = {}
        self._read: set[tuple[str, str]] = set()
        for name, columns in tables.items():
            self._conn.execute(f"CREATE TABLE {name} ({', '.join(quoted(column) for column in columns)})")

    def close(self) -> None:
        self._conn.close()

    def define(self, name: str, sql: str, columns: Iterable[str] | None = None) -> None:
        """A table that is made by a query: what each of its columns is made of. Without a query of one part it is all of it."""
        known = [str(one[0]) for one in self._conn.execute(f"SELECT * FROM ({sql}) LIMIT 0").description]
        named = list(columns) if columns is not None else known
        items = select_list(sql)
        if items is None or len(items[0]) != len(named):
            made = dict.fromkeys(named, self.needs(sql))
        else:
            made = {
                column: self.needs(f"SELECT {item} {items[1]}") for column, item in zip(named, items[0], strict=True)
            }
        if name in PARTIAL:
            base, always = PARTIAL[name]
            made = {column: frozenset({base} if column in always else {base, f"{name}.{column}"}) for column in named}
        self._conn.execute(f"CREATE TABLE {name} ({', '.join(quoted(column) for column in named)})")
        self._lineage[name] = dict(made)

    def needs(self, sql: str) -> frozenset[str]:
        """What a query needs: relations, and columns that a record may lack, as `relation.column`."""
        self._read.clear()
        self._conn.set_authorizer(self._note)
        self._conn.execute(f"EXPLAIN {sql}").close()
        self._conn.set_authorizer(None)
        return frozenset(need for table, column in sorted(self._read) for need in self._followed(table, column))

    def _note(self, action: int, table: str | None, column: str | None, *_: object) -> int:
        if action == sqlite3.SQLITE_READ and table is not None:
            self._read.add((table, column or ""))
        return sqlite3.SQLITE_OK

    def _followed(self, table: str, column: str) -> Iterator[str]:
        if table in self._lineage:
            made = self._lineage[table]
            if column in made:
                yield from made[column]
            elif not column:
                yield from frozenset.intersection(*made.values())
        elif table.startswith("trail_"):
            relation = table.removeprefix("trail_")
            yield relation
            if column and column not in ("run", "part") and optional_column(relation, column):
                yield f"{relation}.{column}"


def select_list(sql: str) -> tuple[list[str], str] | None:
    """The columns that a query of one part selects, and the rest from FROM on; None for WITH, DISTINCT and several parts."""
    text = sql.strip()
    if not text.upper().startswith("SELECT ") or text.upper().startswith("SELECT DISTINCT") or "\nUNION" in text:
        return None
    items, depth, start, quote = [], 0, len("SELECT "), ""
    for place in range(start, len(text)):
        letter = text[place]
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "(":
            depth += 1
        elif letter == ")":
            depth -= 1
        elif depth == 0 and letter == ",":
            items.append(text[start:place].strip())
            start = place + 1
        elif depth == 0 and text[place : place + 5].upper() == "FROM " and text[place - 1].isspace():
            items.append(text[start:place].strip())
            return (items, text[place:]) if items != ["*"] else None
    return None


@cache
def gap(need: str) -> tuple[str, str, str] | None:
    """Where a gap in a needed column is: the relation, its table, and the condition about a record `x`. None for a relation."""
    name, _, column = need.partition(".")
    if not column:
        return None
    relation = name if name == "settings" else relation_of(need)  # settings are derived when the graph is loaded
    empty = f"x.{quoted(column)} IS NULL"
    if need in ("hops.src", "hops.label", "hops.dst"):
        empty = f"({empty} OR x.{quoted(column)} = '')"
    fate = " AND x.outcome IS DISTINCT FROM 'buffered'" if name == "fates" else ""
    expected = EXPECTED.get(f"{relation}.{column}", ALWAYS)
    known = "IS TRUE" if relation == "tokens" else "IS NOT FALSE"  # what a missing value would decide is missing too
    return (
        relation,
        "settings" if name == "settings" else f"trail_{relation}",
        f"{empty}{fate} AND ({expected}) {known}",
    )


def find_gaps(conn: sqlite3.Connection, needs: Iterable[str], relations: Iterable[str]) -> None:
    """Add to `slice.gaps` the gaps in the records of some relations that are loaded."""
    held = set(relations)
    for need in needs:
        found = gap(need)
        if found is not None and found[0] in held:
            part = "NULL" if found[0] in (*GRAPH, "runs", "batches") else "x.part"
            conn.execute(
                f"INSERT INTO slice.gaps SELECT DISTINCT x.run, {part}, ? FROM slice.{found[1]} AS x WHERE {found[2]}",
                (need,),
            )


def relation_of(need: str) -> str:
    """The relation in which a need is recorded, also if a shared table stands for it."""
    name = need.partition(".")[0]
    return PARTIAL[name][0] if name in PARTIAL else name


def given(need: str, columns: Mapping[str, Sequence[str]]) -> bool:
    """True if the views give what is needed, though perhaps without a value."""
    name, _, column = need.partition(".")
    relation = relation_of(need)
    return relation in columns and (not column or name == "settings" or column in columns[relation])


def recorded_as(need: str) -> str:
    """What a need is called in the trail: `relation`, `relation.column`, or a setting in `nodes.config`."""
    name, _, column = need.partition(".")
    if name == "settings":
        return {"kind": "nodes.kind", "n": "nodes.config (branches)"}.get(column, f"nodes.config ({column})")
    return f"{relation_of(need)}.{column}" if column else need

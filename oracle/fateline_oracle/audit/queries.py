"""Reads the files of `sql/`: the questions of each law, what each is about and what it needs, and the shared tables.

A file has the questions of one law, with UNION ALL between them. Each is asked by itself, because each needs other columns.
Lines in a question may declare: `-- Asked of: things` if it is about other things than the file, and
`-- May lack: relation.column, ...` for what it reads but can do without. Not here: any query, and how one is run.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from fateline_model.laws import LAWS
from fateline_model.records import COMMON_COLUMNS, RELATIONS
from fateline_model.words import OUTCOME_FIELDS, OUTCOMES, OutcomeRule

from .evidence import Reader, marks

_SQL: Final = files(__package__) / "sql"
_UNITS: Final = {"row": "laws", "batch": "batch_laws", "run": "run_laws"}
"""What a query is about: the records of some rows, all batches, or the run as a whole."""

OF_THE_GRAPH: Final = ("settings", "branches", "joined", "onward", "stacks")
OF_THE_ROWS: Final = ("fates", "links", "starts", "steps", "debts", "counted", "held", "late")
"""The tables that laws share, in the order in which they build on each other."""

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
LATE_TABLES: Final = {
    "parent_rows": ("run, token, row", 'SELECT run, token, "row" FROM trail_tokens'),
    "totals": ("run, rows", "SELECT run, count(*) FROM trail_rows GROUP BY run"),
}
"""Two more, which `whole.py` fills when all ranges are done."""
CROSS_RANGE: Final = (*CROSS_RANGE_TABLES, *LATE_TABLES)
"""The tables about all ranges together, which the queries about batches and runs read."""
_TABLE: Final = re.compile(
    r"\b(FROM|JOIN)\s+((?:trail_(?:"
    + "|".join(RELATIONS)
    + r"))|outcome_rules|"
    + "|".join((*OF_THE_GRAPH, *OF_THE_ROWS, *CROSS_RANGE))
    + r")\b"
)


@dataclass(frozen=True)
class Query:
    """One question of a law about records at rest. Each returned row is a breach: (run, token, node, said)."""

    name: str
    law: str
    unit: str
    meaning: str
    asked: str
    """The things that it is about. Their number is how often it is asked."""
    needs: tuple[str, ...]
    """The relations, and the columns that a record may lack, without which there is no answer."""
    sql: str


@dataclass(frozen=True)
class Shared:
    """A table that several laws share: its meaning, its keys, and the query that gives it."""

    name: str
    meaning: str
    keys: tuple[tuple[str, ...], ...]
    sql: str


@cache
def queries() -> tuple[Query, ...]:
    """Every query, in the order of the catalogue of laws."""
    reader = _reader()
    found = [
        query
        for unit, folder in _UNITS.items()
        for path in (_SQL / folder).iterdir()
        if path.name.endswith(".sql")
        for query in _queries(reader, unit, path.name.removesuffix(".sql"), path.read_text("utf-8"))
    ]
    reader.close()
    order = list(LAWS)
    return tuple(sorted(found, key=lambda query: (order.index(query.law), list(_UNITS).index(query.unit))))


def _reader() -> Reader:
    """Knows every table that a question may read."""
    relations = {f"trail_{name}": (*kind._fields, *COMMON_COLUMNS, "part") for name, kind in RELATIONS.items()}
    reader = Reader({**relations, "outcome_rules": ("outcome", *OUTCOME_FIELDS)})
    for name in (*OF_THE_GRAPH, *OF_THE_ROWS):
        reader.define(name, shared(name).sql)
    for name, (columns, sql) in {**CROSS_RANGE_TABLES, **LATE_TABLES}.items():
        reader.define(name, sql, columns.split(", "))
    return reader


@cache
def judged_at_rest() -> frozenset[str]:
    """The laws that have a query."""
    return frozenset(query.law for query in queries())


@cache
def shared(name: str) -> Shared:
    text = (_SQL / "shared" / f"{name}.sql").read_text("utf-8")
    words, sql = _head(text)
    key = re.search(r"Key: ([\w,; ]+)", " ".join(words))
    assert key is not None, name
    meaning = " ".join(words).partition(" Of the ")[0].partition(": ")[2]
    return Shared(name, meaning, tuple(tuple(one.split(", ")) for one in key[1].split("; ")), sql)


def needed_tables(asked: Iterable[Query]) -> list[str]:
    """The shared tables that some queries need, with the tables that these build on, in order."""
    words = " ".join(query.sql for query in asked)
    needed: set[str] = set()
    for name in reversed((*OF_THE_GRAPH, *OF_THE_ROWS)):
        if re.search(rf"\b(FROM|JOIN) {name}\b", words):
            needed.add(name)
            words += " " + shared(name).sql
    return [name for name in (*OF_THE_GRAPH, *OF_THE_ROWS) if name in needed]


@cache
def placed(sql: str) -> str:
    """The query with the schema `slice.` before each of our tables, so that no table of the database is read instead."""
    return _TABLE.sub(r"\1 slice.\2", sql)


def outcome_rules(recorded: Collection[str]) -> list[tuple[str, ...]]:
    """The table of outcomes as rows: the outcome, and for each field `must`, `may` or `never`; `may` if it is not recorded."""

    def asks(rule: OutcomeRule, field: str) -> str:
        may = field in rule.may or field not in recorded
        return "may" if may else "must" if field in rule.must else "never"

    return [(outcome, *(asks(rule, field) for field in OUTCOME_FIELDS)) for outcome, rule in OUTCOMES.items()]


def _queries(reader: Reader, unit: str, name: str, text: str) -> Iterator[Query]:
    words, sql = _head(text)
    declaring = [line for line in words if line.startswith(("Asked of:", "May lack:"))]
    meaning, head = (
        " ".join(line for line in words if line not in declaring),
        dict(line.split(": ", 1) for line in declaring),
    )
    for number, part in enumerate(re.split(r"^UNION ALL$", sql, flags=re.M), 1):
        one, declared = marks(part)
        declared = {**head, **declared} if number == 1 else {"Asked of": head["Asked of"], **declared}
        lacks = declared.get("May lack", "").split(", ")
        needs = [
            need for need in sorted(reader.needs(one)) if need not in lacks and need.partition(".")[0] not in lacks
        ]
        yield Query(
            f"{unit}/{name}.{number}", name.partition("_")[0], unit, meaning, declared["Asked of"], tuple(needs), one
        )


def _head(text: str) -> tuple[list[str], str]:
    """The comment lines at the head of a file, and the query after them."""
    lines = text.splitlines()
    end = next(number for number, line in enumerate(lines) if not line.startswith("--"))
    return [line.removeprefix("--").strip() for line in lines[:end]], "\n".join(lines[end:]).strip()

"""Reads the files of `sql/`: the query of each law with what it is about and what it needs, and the shared tables.

Not here: any query, and how one is run.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from fateline_model.laws import LAWS
from fateline_model.records import RELATIONS
from fateline_model.words import OUTCOME_FIELDS, OUTCOMES, OutcomeRule

_SQL: Final = files(__package__) / "sql"
_UNITS: Final = {"row": "laws", "batch": "batch_laws", "run": "run_laws"}
"""What a query is about: the records of some rows, all batches, or the run as a whole."""

OF_THE_GRAPH: Final = ("settings", "branches", "joined", "onward", "stacks")
OF_THE_ROWS: Final = ("fates", "links", "starts", "steps", "debts")
"""The tables that laws share, in the order in which they build on each other."""

CROSS_RANGE: Final = ("ends", "outputs", "unresolved_parents", "read_ranges", "parent_rows", "totals")
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
    """One way in which records at rest can break a law. Each returned row is a breach: (run, token, node, said)."""

    name: str
    law: str
    unit: str
    meaning: str
    asked: str
    """The things that it is about. Their number is the number of checks."""
    needs: tuple[str, ...]
    """The relations, or columns of relations, without which it finds nothing."""
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
    found = [
        _query(unit, path.name.removesuffix(".sql"), path.read_text("utf-8"))
        for unit, folder in _UNITS.items()
        for path in (_SQL / folder).iterdir()
        if path.name.endswith(".sql")
    ]
    order = list(LAWS)
    return tuple(sorted(found, key=lambda query: (order.index(query.law), list(_UNITS).index(query.unit), query.name)))


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


def placed(sql: str) -> str:
    """The query with the schema `slice.` before each of our tables, so that no table of the database is read instead."""
    return _TABLE.sub(r"\1 slice.\2", sql)


def outcome_rules(recorded: Collection[str]) -> list[tuple[str, ...]]:
    """The table of outcomes as rows: the outcome, and for each field `must`, `may` or `never`; `may` if it is not recorded."""

    def asks(rule: OutcomeRule, field: str) -> str:
        may = field in rule.may or field not in recorded
        return "may" if may else "must" if field in rule.must else "never"

    return [(outcome, *(asks(rule, field) for field in OUTCOME_FIELDS)) for outcome, rule in OUTCOMES.items()]


def _query(unit: str, name: str, text: str) -> Query:
    words, sql = _head(text)
    meaning = [line for line in words if not line.startswith(("Asked of:", "Needs:"))]
    declared = {key: value for key, _, value in (line.partition(": ") for line in words)}
    return Query(
        f"{unit}/{name}",
        name.partition("_")[0],
        unit,
        " ".join(meaning),
        declared["Asked of"],
        tuple(declared["Needs"].split(", ")),
        sql,
    )


def _head(text: str) -> tuple[list[str], str]:
    """The comment lines at the head of a file, and the query after them."""
    lines = text.splitlines()
    end = next(number for number, line in enumerate(lines) if not line.startswith("--"))
    return [line.removeprefix("--").strip() for line in lines[:end]], "\n".join(lines[end:]).strip()

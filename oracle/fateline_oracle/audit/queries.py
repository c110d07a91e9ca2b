"""The files of `sql/`, read: each law's query with what it asks of and what it needs, and the tables that laws share.

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
"""What a query looks at: the records of some rows, those of all batches, or the run as a whole."""

OF_THE_GRAPH: Final = ("settings", "branches", "joined", "onward", "stacks")
OF_THE_ROWS: Final = ("fates", "links", "starts", "steps", "debts")
"""The tables that laws share, in the order in which one builds on the other."""

PUT_BY: Final = ("ends", "outputs", "strangers", "stretches", "kin", "totals")
_TABLE: Final = re.compile(
    r"\b(FROM|JOIN)\s+((?:trail_(?:"
    + "|".join(RELATIONS)
    + r"))|outcome_rules|"
    + "|".join((*OF_THE_GRAPH, *OF_THE_ROWS, *PUT_BY))
    + r")\b"
)


@dataclass(frozen=True)
class Query:
    """One way in which a law can be broken at rest. A returned row is a breach: (run, token, node, said)."""

    name: str
    law: str
    unit: str
    meaning: str
    asked: str
    """What it is asked of; as many as there are, so often the law was checked."""
    needs: tuple[str, ...]
    """Relations, or columns of relations, without which it sees nothing."""
    sql: str


@dataclass(frozen=True)
class Shared:
    """A table that several laws share: what it holds, its keys, and the query that gives it."""

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
    """The tables that some queries share, with those that they build on, in order."""
    words = " ".join(query.sql for query in asked)
    needed: set[str] = set()
    for name in reversed((*OF_THE_GRAPH, *OF_THE_ROWS)):
        if re.search(rf"\b(FROM|JOIN) {name}\b", words):
            needed.add(name)
            words += " " + shared(name).sql
    return [name for name in (*OF_THE_GRAPH, *OF_THE_ROWS) if name in needed]


def placed(sql: str) -> str:
    """A query with its tables named where they lie, so that no table of the database is taken for one of them."""
    return _TABLE.sub(r"\1 slice.\2", sql)


def outcome_rules(recorded: Collection[str]) -> list[tuple[str, ...]]:
    """The table of outcomes as rows: the outcome, and for each field `must`, `may` or `never`. What is not recorded may."""

    def asks(rule: OutcomeRule, field: str) -> str:
        may = field in rule.may or field not in recorded
        return "may" if may else "must" if field in rule.must else "never"

    return [(outcome, *(asks(rule, field) for field in OUTCOME_FIELDS)) for outcome, rule in OUTCOMES.items()]


def _query(unit: str, name: str, text: str) -> Query:
    words, sql = _head(text)
    meaning = [line for line in words if not line.startswith(("Asked of:", "Needs:"))]
    said = {key: value for key, _, value in (line.partition(": ") for line in words)}
    return Query(
        f"{unit}/{name}",
        name.partition("_")[0],
        unit,
        " ".join(meaning),
        said["Asked of"],
        tuple(said["Needs"].split(", ")),
        sql,
    )


def _head(text: str) -> tuple[list[str], str]:
    """The words at the head of a file, and the query beneath them."""
    lines = text.splitlines()
    end = next(number for number, line in enumerate(lines) if not line.startswith("--"))
    return [line.removeprefix("--").strip() for line in lines[:end]], "\n".join(lines[end:]).strip()

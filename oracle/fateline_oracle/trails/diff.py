"""Compares two trails name by name: rows by their place in the source, tokens by their lineage.

Names do not depend on scheduling, so no ids need to be matched. Fates may depend on it: the schedule decides which
branch is late. The schedule explains a difference if the nodes gave the same answers in both trails and the law accepts
both rows. It explains neither different answers of a node nor a row that the law does not accept. Not here: checking a
trail (`check.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from fateline_model import Pipeline

from ..compare.records import Key, Keyed, keyed
from .accept import Acceptor
from .reader import RunTrail
from .reconstruct import named

WORDS_OF_NODES: Final = ("transform", "gate", "sink")


class Differs(NamedTuple):
    """One difference between two rows."""

    row: str
    what: str
    mine: str
    theirs: str
    explained: bool


@dataclass
class Compared:
    """The result of comparing two runs."""

    rows: int = 0
    alike: int = 0
    differs: list[Differs] = field(default_factory=list)
    only_in_one: list[str] = field(default_factory=list)

    @property
    def explained(self) -> bool:
        return all(one.explained for one in self.differs) and not self.only_in_one


def compare_runs(mine: RunTrail, theirs: RunTrail, pipeline: Pipeline) -> Compared:
    """Compare two runs row by row. Rows that met in a batch are compared one by one too."""
    found = Compared()
    left, right = _by_place(mine), _by_place(theirs)
    acceptor = Acceptor(pipeline)
    for place in sorted(left.keys() | right.keys(), key=lambda place: (len(place), place)):
        if place not in left or place not in right:
            found.only_in_one.append(place)
            continue
        found.rows += 1
        own, other = named(left[place], "0"), named(right[place], "0")
        a, b = _kept(keyed(own)), _kept(keyed(other))
        if a == b:
            found.alike += 1
            continue
        batched = any(record["rec"] == "members" for record in [*own, *other])
        lawful = batched or not any(
            acceptor.judge(records, ended=True, over=False, alone=True).broken for records in (own, other)
        )
        same = _answers(own, pipeline) == _answers(other, pipeline)
        found.differs += _listed(place, a, b, lawful and same)
    return found


def _by_place(trail: RunTrail) -> dict[str, list[Mapping[str, object]]]:
    """The records of each row, by its place in the source; by its id where no place is recorded."""
    places: dict[str, list[Mapping[str, object]]] = {}
    for row, records in trail.rows.items():
        idx = next((str(record["idx"]) for record in records if record["rec"] == "rows" and "idx" in record), row)
        places[idx] = list(records)
    return places


def _kept(found: Keyed) -> Keyed:
    """The records without batches, whose numbers depend on the schedule, and without hops, which have ids of visits."""
    return {key: value for key, value in found.items() if key[0] not in ("batches", "members", "hops")}


def _answers(records: list[dict[str, object]], pipeline: Pipeline) -> dict[tuple[str, str, str], str]:
    """The answer of each node for each token and attempt."""
    return {
        (str(record["token"]), str(record.get("node")), str(record.get("attempt"))): str(record.get("verdict"))
        for record in records
        if record["rec"] == "visits"
        and record.get("verdict") is not None
        and (node := pipeline.nodes.get(str(record.get("node")))) is not None
        and node.kind in WORDS_OF_NODES
    }


def _listed(row: str, mine: Keyed, theirs: Keyed, explained: bool) -> list[Differs]:
    keys = [key for key in dict.fromkeys([*mine, *theirs]) if mine.get(key) != theirs.get(key)]
    return [Differs(row, _text(row, key), _value(mine, key), _value(theirs, key), explained) for key in keys]


def _text(row: str, key: Key) -> str:
    """The key as text, with the real name of the row in its tokens."""
    return " ".join([key[0], *(f"{row}{part[1:]}" if part[:1] == "0" else part for part in key[1:])])


def _value(found: Keyed, key: Key) -> str:
    if key not in found:
        return "absent"
    return ", ".join(str(value) for value in found[key] if value is not None) or "present"

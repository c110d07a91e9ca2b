"""Two trails compared name by name: rows by their place in the source, tokens by their lineage.

Names do not depend on scheduling, so nobody has to match ids. Fates may: which branch came late is the schedule's doing.
A difference is explained by the schedule when the nodes said the same in both and both rows are accepted by the law; what
a node itself said otherwise, and what the law does not accept, no schedule explains. Not here: judging (`judge.py`).
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
    """One thing in which two rows differ."""

    row: str
    what: str
    mine: str
    theirs: str
    explained: bool


@dataclass
class Compared:
    """What comparing two runs found."""

    rows: int = 0
    alike: int = 0
    differs: list[Differs] = field(default_factory=list)
    only_in_one: list[str] = field(default_factory=list)

    @property
    def explained(self) -> bool:
        return all(one.explained for one in self.differs) and not self.only_in_one


def compare_runs(mine: RunTrail, theirs: RunTrail, pipeline: Pipeline) -> Compared:
    """Row by row. Rows of batches are compared by themselves too: what a batch made of them shows in their tokens."""
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
        same = _said(own, pipeline) == _said(other, pipeline)
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
    """Without batches, whose numbers are the schedule's, and without the ids of visits."""
    return {key: value for key, value in found.items() if key[0] not in ("batches", "members", "hops")}


def _said(records: list[dict[str, object]], pipeline: Pipeline) -> dict[tuple[str, str, str], str]:
    """What each node said of each token, at each attempt; both must have been asked for it to count."""
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
    return [Differs(row, _say(row, key), _value(mine, key), _value(theirs, key), explained) for key in keys]


def _say(row: str, key: Key) -> str:
    """The key, with the row's own name in front of its tokens."""
    return " ".join([key[0], *(f"{row}{part[1:]}" if part[:1] == "0" else part for part in key[1:])])


def _value(found: Keyed, key: Key) -> str:
    if key not in found:
        return "not there"
    return ", ".join(str(value) for value in found[key] if value is not None) or "there"

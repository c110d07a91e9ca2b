"""Says which relations and columns each word of `shows` stands for, and removes from an answer what is not declared.

Whatever an engine does not declare is not looked at, even if it is in the answer. So an engine that records something
in its own way can leave the word out. Not here: which laws are not judged then (`compare/capabilities.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from .port import Hello, RecordJson, Shows


class Part(NamedTuple):
    """Relations, and columns of any relation."""

    relations: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


SHOWN: Final[Mapping[Shows, Part]] = {
    Shows.VISITS: Part(("visits",), ("from_visit",)),
    Shows.HOPS: Part(("hops",)),
    Shows.BARRIERS: Part(("barriers",)),
    Shows.LOSSES: Part(("losses",)),
    Shows.MERGES: Part(("merges",)),
    Shows.BATCHES: Part(("batches", "members")),
    Shows.DIGESTS: Part(columns=("digest", "digest_in", "digest_out")),
    Shows.REASONS: Part(columns=("reason",)),
    Shows.TIMES: Part(columns=("at", "first_at", "decided_at")),
    Shows.SEQ: Part(columns=("seq", "opened", "closed")),
    Shows.TX: Part(columns=("tx",)),
    Shows.REFUSALS: Part(),
}
"""The words of refusals are no records; a port compares them only if they are declared."""

Shown = Callable[[Sequence[RecordJson]], Sequence[RecordJson]]
"""Gives the declared part of records."""


def hidden(hello: Hello) -> Part:
    """What the engine does not declare."""
    parts = [part for word, part in SHOWN.items() if word not in hello.shows]
    return Part(tuple(r for part in parts for r in part.relations), tuple(c for part in parts for c in part.columns))


def shown_by(hello: Hello) -> Shown:
    """The function that gives the part of records which the engine declares."""
    relations, columns = hidden(hello)
    if not relations and not columns:
        return lambda records: records

    def shown(records: Sequence[RecordJson]) -> Sequence[RecordJson]:
        return [
            {column: value for column, value in record.items() if column not in columns}
            for record in records
            if record["rec"] not in relations
        ]

    return shown

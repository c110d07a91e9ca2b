"""Versions of an engine beside each other: in which one a law began to be broken, and in which it ended.

Not here: measuring (`measure.py`).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from ..report.verdict import Verdict
from .rows import Row


def in_order(versions: Iterable[str]) -> list[str]:
    """From the oldest to the newest, by their numbers."""
    return sorted(dict.fromkeys(versions), key=_numbers)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def versions_of(rows: Iterable[Row], engine: str, way: str) -> list[Row]:
    """The rows of one engine, judged in one way, from the oldest version to the newest."""
    same = {row.version: row for row in rows if (row.engine, row.way) == (engine, way)}
    return [same[version] for version in in_order(same)]


def seen_in(rows: Iterable[Row], engine: str, way: str, laws: Sequence[str]) -> str:
    """In which versions laws are broken, if several were measured."""
    swept = versions_of(rows, engine, way)
    lines = [line for line in changes(swept) if line.partition(":")[0] in laws]
    return ". ".join(lines) if len(swept) > 1 else ""


def changes(rows: Sequence[Row]) -> Iterator[str]:
    """A line for each law that is broken in one of the rows, which are of one engine and one way, in the order of versions."""
    for law in dict.fromkeys(law for row in rows for law in row.broken):
        judged = [(row.version, row.laws[law].verdict is Verdict.BREACHED) for row in rows if law in row.laws]
        turns = [
            f"last good {before}, first bad {after}" if bad else f"last bad {before}, first good {after}"
            for (before, was), (after, bad) in pairwise(judged)
            if was is not bad
        ]
        first, last = judged[0][0], judged[-1][0]
        yield f"{law}: {'; '.join(turns) if turns else f'broken in all of {len(judged)} versions, {first} to {last}'}"

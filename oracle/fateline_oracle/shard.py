"""Splits a list between several machines: shard K of N.

The split depends only on the list and on N, never on the machine, the number of processes or the time; each member of the list
is in exactly one shard. Not here: what is split, and how the results of shards become one report (`report/parts.py`).
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeVar

Member = TypeVar("Member")

MOST: Final = 1_000
"""The largest number of shards."""


class BadShard(ValueError):
    """A text is not the name of a shard; the message says what to write."""


class Shard(NamedTuple):
    """One of `of` shares of a list, counted from 1."""

    number: int
    of: int

    def share(self, members: Sequence[Member]) -> list[Member]:
        """The members of this shard, in their order. Give the longest first: neighbours are in different shards."""
        return list(members[self.number - 1 :: self.of])

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


WHOLE: Final = Shard(1, 1)


def shard_called(text: str) -> Shard:
    """The shard with this name, such as `2/5`."""
    number, slash, of = text.partition("/")
    if not (slash and number.isdecimal() and of.isdecimal() and len(text) < 16 and 0 < int(number) <= int(of) <= MOST):
        raise BadShard(f"{text!r} is not a shard: write K/N, such as 2/5, with K from 1 to N, and N at most {MOST:,}")
    return Shard(int(number), int(of))


def missing_of(shards: Sequence[Shard]) -> list[Shard]:
    """The shards that are missing beside these."""
    of = shards[0].of
    return [Shard(number, of) for number in range(1, of + 1) if Shard(number, of) not in shards]


def shard_note(shards: Sequence[Shard]) -> str:
    """The beginning of a sentence about some of the shards."""
    one = len(shards) == 1
    return f"only {'shard' if one else 'shards'} {', '.join(map(str, shards))} {'was' if one else 'were'}"

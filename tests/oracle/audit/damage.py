"""Damage done to a trail, in every way in which a law can be broken at rest: a record deleted, doubled, moved to another
token, row or run, put into another order, forged with a word of another record, or robbed of a field.

Here: the ways, and one of them drawn. Not here: what it breaks.
"""

import random
from collections.abc import Callable
from typing import Any

Record = dict[str, Any]
TOKENS = {"parents": ("child", "parent"), "losses": ("token",), "merges": ("token",), "barriers": ("result",)}
UNTOUCHED = ("runs", "nodes", "edges")
ORDER = ("seq", "opened", "closed")
IDS = ("rec", "run", "row", "token", "child", "visit")


def _some(trail: list[Record], draw: random.Random) -> Record:
    return draw.choice([record for record in trail if record["rec"] not in UNTOUCHED])


def delete(trail: list[Record], draw: random.Random) -> list[Record]:
    gone = _some(trail, draw)
    return [record for record in trail if record is not gone]


def double(trail: list[Record], draw: random.Random) -> list[Record]:
    again = dict(_some(trail, draw))
    last = max(int(record.get("seq") or 0) for record in trail)
    again["seq"] = last + 1
    if "visit" in again:
        again["visit"] = f"{again['visit']}+"
    return [*trail, again]


def move(trail: list[Record], draw: random.Random) -> list[Record]:
    """A record speaks of another token."""
    moved = _some(trail, draw)
    tokens = sorted({str(record["token"]) for record in trail if record["rec"] == "tokens"})
    column = draw.choice(TOKENS.get(moved["rec"], ("token",)))
    return [{**record, column: draw.choice(tokens)} if record is moved else record for record in trail]


def swap_row(trail: list[Record], draw: random.Random) -> list[Record]:
    """A token says that it is of another row."""
    moved = draw.choice([record for record in trail if record["rec"] == "tokens"])
    rows = sorted({str(record["row"]) for record in trail if record["rec"] == "rows"} | {"99"})
    return [{**record, "row": draw.choice(rows)} if record is moved else record for record in trail]


def swap_run(trail: list[Record], draw: random.Random) -> list[Record]:
    """A record says that it is of another run."""
    moved = _some(trail, draw)
    return [{**record, "run": "another"} if record is moved else record for record in trail]


def reorder(trail: list[Record], draw: random.Random) -> list[Record]:
    """Two records change their places in the order."""
    a, b = _some(trail, draw), _some(trail, draw)
    places = {id(a): b.get("seq"), id(b): a.get("seq")}
    return [{**record, "seq": places[id(record)]} if id(record) in places else record for record in trail]


def forge(trail: list[Record], draw: random.Random) -> list[Record]:
    """A field has the value that another record of the relation has in it."""
    forged = _some(trail, draw)
    column = draw.choice(sorted(set(forged) - {"rec", "run"} - set(ORDER)))
    values = sorted({repr(r.get(column)): r.get(column) for r in trail if r["rec"] == forged["rec"]}.items())
    value = draw.choice([value for _, value in values])
    return [{**record, column: value} if record is forged else record for record in trail]


def drop_field(trail: list[Record], draw: random.Random) -> list[Record]:
    robbed = _some(trail, draw)
    column = draw.choice(sorted(set(robbed) - {"rec", "run", "tx", "at"}))
    return [{k: v for k, v in record.items() if k != column} if record is robbed else record for record in trail]


def split_step(trail: list[Record], draw: random.Random) -> list[Record]:
    """A record is written in a transaction of its own."""
    late = _some(trail, draw)
    return [{**record, "tx": 1_000_000} if record is late else record for record in trail]


WAYS: tuple[Callable[[list[Record], random.Random], list[Record]], ...] = (
    delete, double, move, swap_row, swap_run, reorder, forge, drop_field, split_step,
)  # fmt: skip

"""Lawful trails that are weakened: something is hidden, cut off, renamed or put in another order. No verdict may get worse.

Here: the ways, each a function on the records of a trail. Not here: what is asked of the result (`test_judge_laws.py`).
"""

import random
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, Final

from fateline_oracle.audit.adapters import REQUIRED
from fateline_oracle.audit.evidence import optional_column
from fateline_oracle.audit.source import COLUMNS, OF_ROWS

Record = dict[str, Any]
Trail = list[Record]
NAMES: Final = {
    "row": "row", "token": "token", "child": "token", "parent": "token", "result": "token", "visit": "visit",
    "from_visit": "visit", "group": "group", "fork_group": "group", "barrier": "barrier", "batch": "batch", "run": "run",
}  # fmt: skip
"""The columns that hold a name, and what kind of thing it names."""


def hide_relation(relation: str) -> Callable[[Trail], Trail]:
    return lambda trail: [record for record in trail if record["rec"] != relation]


def hide_column(relation: str, column: str) -> Callable[[Trail], Trail]:
    return lambda trail: [
        {key: value for key, value in record.items() if key != column} if record["rec"] == relation else record
        for record in trail
    ]


def hide_values(share: float, seed: int) -> Callable[[Trail], Trail]:
    """Any value that may be absent, with a probability."""

    def hide(trail: Trail) -> Trail:
        draw = random.Random(seed)
        return [
            {
                key: value
                for key, value in record.items()
                if key == "rec" or not optional_column(record["rec"], key) or draw.random() >= share
            }
            for record in trail
        ]

    return hide


def hidings(trail: Trail, draw: random.Random) -> Iterator[tuple[str, Callable[[Trail], Trail]]]:
    """Each relation and each column that may be absent, alone; values; and random sets of all of these."""
    relations = sorted({record["rec"] for record in trail})
    single: list[tuple[str, Callable[[Trail], Trail]]] = [
        (f"no {relation}", hide_relation(relation)) for relation in relations if relation not in REQUIRED
    ]
    for relation in relations:
        held = {key for record in trail if record["rec"] == relation for key in record}
        single += [
            (f"no {relation}.{column}", hide_column(relation, column))
            for column in COLUMNS[relation]
            if column in held and optional_column(relation, column)
        ]
    for share in (0.02, 0.1, 0.5):
        seed = draw.randrange(1 << 30)
        single.append((f"{share:.0%} of the values (seed {seed})", hide_values(share, seed)))
    yield from single
    for _ in range(6):
        some = draw.sample(single, min(len(single), draw.randint(2, 5)))
        yield " and ".join(name for name, _ in some), _after_each_other([hide for _, hide in some])


def _after_each_other(ways: list[Callable[[Trail], Trail]]) -> Callable[[Trail], Trail]:
    def all_of_them(trail: Trail) -> Trail:
        for way in ways:
            trail = way(trail)
        return trail

    return all_of_them


def steps_of(trail: Trail) -> list[int]:
    """Places in the order of a trail at which it can be cut: after each transaction. If a trail has none: before a pause of
    five milliseconds that is in no step, as far as the records show where a step ends."""
    placed = [record for record in trail if isinstance(record.get("seq"), int)]
    if any("tx" in record for record in placed):
        last: dict[int, int] = {}
        for record in placed:
            if isinstance(record.get("tx"), int):
                last[record["tx"]] = max(last.get(record["tx"], 0), *_places(record))
        again = {one["opened"] for one in placed if one["rec"] == "visits" and one.get("attempt")}
        places = sorted({place for record in placed for place in _places(record)})
        inside = {
            a for a, b in pairwise(places) if b in again
        }  # the next attempt opens in the step that closes the last one
        return sorted(set(last.values()) - inside)
    places = sorted({place for record in placed for place in _places(record)})
    steps = _steps_without_transactions(trail)
    return [a for a, b in pairwise(places) if b - a > 5_000 and not any(first <= a < last for first, last in steps)]


def _steps_without_transactions(trail: Trail) -> list[tuple[int, int]]:
    """From the end of a token's last visit to its fate, and from the making of a token to the fates of its parents."""
    fates = {one["token"]: one["seq"] for one in trail if one["rec"] == "outcomes" and one["outcome"] != "buffered"}
    made = {one["token"]: one["seq"] for one in trail if one["rec"] == "tokens"}
    ended: dict[str, int] = {}
    for record in trail:
        if record["rec"] == "visits" and isinstance(record.get("closed"), int):
            ended[record["token"]] = max(ended.get(record["token"], 0), record["closed"])
    of_tokens = [(last, fates[token]) for token, last in ended.items() if token in fates]
    links = [one for one in trail if one["rec"] == "parents" and one["child"] in made and one["parent"] in fates]
    return of_tokens + [(made[one["child"]], fates[one["parent"]]) for one in links]


def _places(record: Record) -> list[int]:
    return [record[key] for key in ("seq", "opened", "closed") if isinstance(record.get(key), int)]


def cut(trail: Trail, after: int, status: str) -> Trail:
    """What there was of a trail at some place of its order; its run is not over."""
    kept: Trail = []
    held_at = {one["node"] for one in trail if one["rec"] == "nodes" and one.get("kind") in ("coalesce", "aggregation")}
    for record in trail:
        relation = record["rec"]
        if relation == "runs":
            if not any(other["rec"] == "runs" and other["run"] == record["run"] for other in kept):
                kept.append({"rec": "runs", "run": record["run"], "status": status})
        elif relation == "visits" and isinstance(record.get("opened"), int):
            if record["opened"] <= after < record.get("closed", after):
                ended = ("closed", "verdict", "digest_out", "seq", "tx", "at")
                at_work = {key: value for key, value in record.items() if key not in ended}
                status_then = "held" if record["node"] in held_at else "open"
                kept.append({**at_work, "status": status_then, "seq": record["opened"]})
            elif record["opened"] <= after:
                kept.append(record)
        elif relation == "batches" or record.get("seq", after) <= after:
            kept.append(record)
    tokens = {record["token"] for record in kept if record["rec"] == "tokens"}
    kept = [record for record in kept if record["rec"] not in OF_ROWS or _of(record, tokens)]
    return [_batch_then(record, kept, trail, after) for record in kept if not _not_yet_buffered(record, kept, trail)]


def _not_yet_buffered(record: Record, kept: Trail, trail: Trail) -> bool:
    """True if a membership without a place of its own belongs to a buffering that is cut off."""
    if record["rec"] != "members" or "seq" in record:
        return False
    wanted = {"rec": "outcomes", "token": record["token"], "outcome": "buffered", "batch": record["batch"]}
    return any(wanted.items() <= one.items() for one in trail) and not any(
        wanted.items() <= one.items() for one in kept
    )


def _batch_then(record: Record, kept: Trail, trail: Trail, after: int) -> Record:
    """A batch is written again when it changes: what it said before, unless all its members and outputs are there."""
    if record["rec"] != "batches":
        return record
    batch = record["batch"]

    def about(records: Trail) -> int:
        return sum(one.get("batch") == batch or one.get("group") == batch for one in records)

    members = {one["token"] for one in trail if one["rec"] == "members" and one["batch"] == batch}
    ends = [
        one.get("closed") or 0 for one in trail if one.get("token") in members and one.get("node") == record["node"]
    ]
    if about(kept) == about(trail) and max([record.get("seq", 0), *ends]) <= after:
        return record
    return {key: value for key, value in record.items() if key not in ("trigger", "outputs", "seq", "tx", "at")} | {
        "status": "open"
    }


def _of(record: Record, tokens: set[str]) -> bool:
    """True if all tokens that a record without a place of its own names are there."""
    named = [record[key] for key in ("token", "child", "result") if record.get(key) is not None]
    return "seq" in record or all(name in tokens for name in named)


def rename(trail: Trail, draw: random.Random) -> Trail:
    """Other names of another kind: whole numbers as text, uuids, or any text."""
    style = draw.choice(("number", "uuid", "text"))
    names: dict[tuple[str, str, object], str] = {}

    def name(kind: str, run: str, value: object) -> str:
        key = ("run" if kind == "run" else kind, "" if kind == "run" else run, value)
        if key not in names:
            number = len(names)
            names[key] = (
                str(1_000 + number) if style == "number" else f"{draw.getrandbits(128):032x}" if style == "uuid"
                else f"{kind} '{number}' %_--;é"
            )  # fmt: skip
        return names[key]

    return [
        {
            column: name(_kind(column, record), record["run"], value)
            if column in NAMES and value is not None
            else value
            for column, value in record.items()
        }
        for record in trail
    ]


def _kind(column: str, record: Record) -> str:
    """The group of a batch's output is the batch."""
    return "batch" if column == "group" and record.get("group_kind") == "batch" else NAMES[column]


def shuffle(trail: Trail, draw: random.Random) -> Trail:
    """The records in any order. A record that is written again when it changes keeps its order among its own kind."""
    again = [record for record in trail if record["rec"] in ("runs", "visits", "batches")]
    others = [record for record in trail if record["rec"] not in ("runs", "visits", "batches")]
    draw.shuffle(others)
    mixed: Trail = []
    while again or others:
        source = again if again and (not others or draw.random() < len(again) / (len(again) + len(others))) else others
        mixed.append(source.pop(0))
    return mixed

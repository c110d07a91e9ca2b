"""Writes what an engine did as a trail in JSON lines. Runs in the environment of the engine: standard library only.

`one_token` is a row that stays one token on its way through some nodes; `one_token_each` is the same for many rows, without
nodes. `one_join` is a row that was forked, and the join of its branches, as the engine showed it after each event; the records
of the join are those that `wire.py` makes. Not here: what an engine shows (`<engine>/mended.py`).
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from .wire import FORK, MERGED, ROW, RUN, Barrier, Record, Seen

JOIN = "join"


class Showing:
    """A join that shows what it was told to show, one after the other."""

    def __init__(self, seen: Sequence[Seen]) -> None:
        self.seen = list(seen)

    def start(self, branches: Sequence[str], policy: str, quorum: int | None) -> None:
        """Nothing is to be done."""

    def arrive(self, branch: str) -> None:
        """It has happened already."""

    def lose(self, branch: str) -> None:
        """It has happened already."""

    def look(self) -> Seen:
        return self.seen.pop(0)


def one_join(policy: str, branches: Sequence[str], seen: Sequence[tuple[str, str, Seen]]) -> Iterator[Record]:
    """The records of a run with one row. `seen`: `arrive` or `lose`, the branch, and what the engine showed then."""
    coalesce = {"name": JOIN, "branches": list(branches), "policy": policy}
    config: Record = {"policy": policy, "branches": list(branches), "merge": "nested"}
    yield from _began(FORK, [("gate", "gate", {}), (JOIN, "coalesce", config), ("out", "sink", {})])
    yield from (_edge("gate", branch, JOIN) for branch in branches)
    yield _edge(JOIN, "continue", "out")
    yield {
        "rec": "outcomes", "token": FORK, "outcome": "forked", "group": FORK, "promised": ",".join(branches),
    }  # fmt: skip
    for place, branch in enumerate(branches):
        yield {"rec": "tokens", "row": ROW, "token": branch, "branch": branch, "group_kind": "fork", "group": FORK}
        yield {"rec": "parents", "child": branch, "parent": FORK, "ordinal": place}
    barrier = Barrier(Showing([one for _, _, one in seen]), coalesce)
    for do, branch, _ in seen:
        yield from barrier.event(do, branch)
        if do == "lose":
            yield {"rec": "outcomes", "token": branch, "outcome": "failed", "error": "failed"}
    if seen[-1][2].ran:
        yield {"rec": "outcomes", "token": MERGED, "outcome": "completed"}


def one_token(
    visits: Iterable[tuple[str, int | None, int | None]], nodes: Sequence[str], ended: bool
) -> Iterator[Record]:
    """The records of a run with one row that is one token. `visits`: the node, and when it was entered and left."""
    yield from _began(ROW, [(node, "transform", {}) for node in nodes])
    yield from (_edge(before, "continue", after) for before, after in pairwise(nodes))
    for number, (node, opened, closed) in enumerate(visits):
        yield {
            "rec": "visits", "visit": f"{number}", "token": ROW, "node": node, "attempt": 0,
            "status": "open" if closed is None else "completed", "opened": opened, "closed": closed,
        }  # fmt: skip
    if ended:
        yield {"rec": "outcomes", "token": ROW, "outcome": "completed"}


def one_token_each(ended: Sequence[bool]) -> Iterator[Record]:
    """The records of a run in which each row is one token, which has come to its end or not."""
    yield {"rec": "runs", "pipeline": "one", "status": "running"}
    for place, one in enumerate(ended):
        yield {"rec": "rows", "row": f"{place}", "source": "source", "idx": place}
        yield {"rec": "tokens", "row": f"{place}", "token": f"{place}"}
        if one:
            yield {"rec": "outcomes", "token": f"{place}", "outcome": "completed"}


def write(path: Path, records: Iterable[Record]) -> None:
    """Write the records of one run that is over: the engine has nothing left to do in it."""
    lines = list(records)
    rows = sum(one["rec"] == "rows" for one in lines)
    lines.append({"rec": "runs", "status": "completed", "rows": rows})
    path.write_text("".join(json.dumps({**one, "run": RUN}) + "\n" for one in lines), encoding="utf-8")


def _began(root: str, nodes: Sequence[tuple[str, str, Record]]) -> Iterator[Record]:
    yield {"rec": "runs", "pipeline": "one", "status": "running"}
    for node, kind, config in [("source", "source", {}), *nodes]:
        yield {"rec": "nodes", "node": node, "kind": kind, "config": json.dumps(config)}
    yield _edge("source", "continue", nodes[0][0])
    yield {"rec": "rows", "row": ROW, "source": "source", "idx": 0}
    yield {"rec": "tokens", "row": ROW, "token": root}


def _edge(src: str, label: str, dst: str) -> Record:
    return {"rec": "edges", "src": src, "label": label, "dst": dst}
